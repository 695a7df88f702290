"""Camera paths as USD: round trips, USD's own validators, and stages as other programs write them."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from test_output_camera import path_of, same

from motion import rotations as rot
from motion.camera import look_at
from motion.errors import BadInput
from render.interchange import camera as files

pytest.importorskip("pxr")
from pxr import Gf, Sdf, Usd, UsdGeom, UsdValidation

SUFFIXES = (".usd", ".usda", ".usdc")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "change", [{}, {"focus_m": None, "f_stop": None}, {"focal_mm": 35.0, "fps": 30, "cuts": np.arange(9) == 0}]
)
def test_round_trip(tmp_path, suffix, change):
    """Poses to the last bits; the lens as the schema's single precision has it."""
    made, file = path_of(**change), tmp_path / f"a{suffix}"
    files.save(file, made)
    back = files.load(file)
    for name in ("focal_mm", "focus_m", "f_stop"):
        x, y = getattr(made, name), getattr(back, name)
        assert (x is None) == (y is None)
        if x is not None:
            assert np.abs(x / y - 1).max() < 2**-22
            object.__setattr__(back, name, x)
    same(made, back, 1e-15)
    files.save(tmp_path / f"b{suffix}", files.load(file))
    same(files.load(tmp_path / f"b{suffix}"), files.load(file), 1e-15)


def test_usds_own_validators_find_nothing(tmp_path):
    files.save(tmp_path / "a.usda", path_of(), name="shot 12, camera")
    context = UsdValidation.ValidationContext(UsdValidation.ValidationRegistry().GetOrLoadAllValidators())
    found = context.Validate(Usd.Stage.Open(str(tmp_path / "a.usda")))
    assert [e.GetErrorAsString() for e in found] == []


def test_usd_computes_our_angle_of_view(tmp_path):
    """Gf.Camera, which every USD program uses, sees what `fov_y` says: tenths of a scene unit are right."""
    made = path_of()
    files.save(tmp_path / "a.usdc", made, aspect=2.0)
    stage = Usd.Stage.Open(str(tmp_path / "a.usdc"))
    camera = UsdGeom.Camera(stage.GetDefaultPrim())
    for k in (0, 5):
        seen = camera.GetCamera(k)
        assert seen.GetFieldOfView(Gf.Camera.FOVVertical) == pytest.approx(np.degrees(made.fov_y(2.0)[k]), rel=1e-5)
        assert np.abs(np.array(seen.transform).T - made.T_world_camera[k]).max() < 1e-12
    assert camera.GetFocusDistanceAttr().Get(3) == pytest.approx(made.focus_m[3])
    held = camera.GetCamera(3.875)  # an eighth of a frame before the cut
    assert np.abs(np.array(held.transform).T - made.T_world_camera[3]).max() < 1e-12


def stage_of(path, up="Z", unit=0.01, codes=24, span=(1, 25)):
    stage = Usd.Stage.CreateNew(str(path))
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.z if up == "Z" else UsdGeom.Tokens.y)
    UsdGeom.SetStageMetersPerUnit(stage, unit)
    stage.SetTimeCodesPerSecond(codes)
    if span:
        stage.SetStartTimeCode(span[0])
        stage.SetEndTimeCode(span[1])
    return stage


def test_z_up_centimetres_and_parents(tmp_path):
    stage = stage_of(tmp_path / "a.usda")
    rig = UsdGeom.Xform.Define(stage, "/set/rig")
    rig.AddTranslateOp().Set(Gf.Vec3d(100, 0, 0))
    rig.AddScaleOp().Set(Gf.Vec3f(2, 2, 2))
    camera = UsdGeom.Camera.Define(stage, "/set/rig/Cam")
    move, turn = camera.AddTranslateOp(), camera.AddRotateXOp()
    move.Set(Gf.Vec3d(0, 0, 80), 1)
    move.Set(Gf.Vec3d(0, 48, 80), 25)  # 2 cm a frame, 4 with the rig's scale, along +Y
    turn.Set(90.0)  # level, looking along +Y
    camera.GetFocalLengthAttr().Set(50.0)
    camera.GetHorizontalApertureAttr().Set(36.0)
    camera.CreateFocusDistanceAttr(250.0)
    camera.CreateFStopAttr(2.8)
    stage.Save()
    found = files.load(tmp_path / "a.usda")
    assert (found.frames, found.fps, found.sensor_width_mm) == (25, 24, 36.0)
    assert np.abs(found.T_world_camera[0, :3, 3] - [1.0, 1.6, 0.0]).max() < 1e-9
    assert np.abs(found.T_world_camera[24, :3, 3] - [1.0, 1.6, -0.96]).max() < 1e-9
    assert np.abs(-found.T_world_camera[:, :3, 2] - [0, 0, -1]).max() < 1e-9, "our −Z is their +Y"
    assert np.abs(found.T_world_camera[:, :3, 1] - [0, 1, 0]).max() < 1e-9
    assert (found.focal_mm[0], found.focus_m[0]) == (50.0, 2.5)
    assert found.f_stop[0] == pytest.approx(2.8)
    at30 = files.load(tmp_path / "a.usda", fps="30")
    assert (at30.frames, at30.fps) == (31, 30)
    assert at30.T_world_camera[15, 2, 3] == pytest.approx(-0.48)


def test_metres_and_a_lens_in_millimetres(tmp_path):
    """Tenths of a metre are right; millimetres in a stage of metres, as some write them, are seen and said."""
    for focal, wide, noted in ((0.5, 0.36, False), (50.0, 36.0, True)):
        stage = stage_of(tmp_path / f"{noted}.usda", up="Y", unit=1.0)
        camera = UsdGeom.Camera.Define(stage, "/Cam")
        camera.GetFocalLengthAttr().Set(focal)
        camera.GetHorizontalApertureAttr().Set(wide)
        stage.Save()
        found = files.load_noting(tmp_path / f"{noted}.usda")
        assert found.camera.focal_mm[0] == pytest.approx(50.0)
        assert found.camera.sensor_width_mm == pytest.approx(36.0)
        assert any("millimetres" in note for note in found.notes) is noted
        assert (found.camera.frames, found.camera.focus_m, found.camera.f_stop) == (25, None, None)


def test_time_codes_that_are_not_frames(tmp_path):
    stage = stage_of(tmp_path / "a.usda", up="Y", unit=1.0, codes=1000, span=None)
    stage.SetFramesPerSecond(25)
    camera = UsdGeom.Camera.Define(stage, "/Cam")
    move = camera.AddTranslateOp()
    move.Set(Gf.Vec3d(0, 0, 0), 500)
    move.Set(Gf.Vec3d(1, 0, 0), 1500)
    stage.Save()
    found = files.load(tmp_path / "a.usda")
    assert (found.frames, found.fps) == (26, 25)
    assert np.abs(found.T_world_camera[:, 0, 3] - np.arange(26) / 25).max() < 1e-9


def test_sampled_quaternions_and_zooms(tmp_path):
    stage = stage_of(tmp_path / "a.usdc", up="Y", unit=1.0, codes=24, span=(0, 24))
    camera = UsdGeom.Camera.Define(stage, "/Cam")
    orient = camera.AddOrientOp(precision=UsdGeom.XformOp.PrecisionDouble)
    orient.Set(Gf.Quatd(1, 0, 0, 0), 0)
    orient.Set(Gf.Quatd(np.sqrt(0.5), 0, np.sqrt(0.5), 0), 24)
    camera.GetFocalLengthAttr().Set(0.2, 0)
    camera.GetFocalLengthAttr().Set(0.8, 24)
    camera.GetHorizontalApertureAttr().Set(0.36, 0)
    camera.GetHorizontalApertureAttr().Set(0.18, 24)
    stage.Save()
    found = files.load(tmp_path / "a.usdc", fps=48)
    assert found.frames == 49
    turns = rot.from_matrix(found.T_world_camera[:, :3, :3])
    assert np.abs(rot.angle_between(turns[:1], turns) - np.linspace(0, np.pi / 2, 49)).max() < 1e-6
    half = np.tan(found.fov_y(1.0) / 2)  # the same angle through a sensor of one width
    assert half[0] == pytest.approx(0.9)
    assert half[-1] == pytest.approx(0.18 / 0.8 / 2)


def test_several_cameras_are_chosen_by_name(tmp_path):
    stage = stage_of(tmp_path / "a.usda")
    for path in ("/a/main", "/b/main", "/b/left"):
        UsdGeom.Camera.Define(stage, path)
    flat = UsdGeom.Camera.Define(stage, "/plan")
    flat.CreateProjectionAttr(UsdGeom.Tokens.orthographic)
    stage.Save()
    with pytest.raises(BadInput, match="holds 3 cameras, expected the name of one: '/a/main', '/b/main', 'left'"):
        files.load(tmp_path / "a.usda")
    with pytest.raises(BadInput, match="unknown camera 'lefd'; did you mean 'left'"):
        files.load(tmp_path / "a.usda", name="lefd")
    assert files.load_noting(tmp_path / "a.usda", name="/b/left").name == "left"
    assert files.load_noting(tmp_path / "a.usda", name="a").name == "/a/main", "by the object that it hangs under"
    with pytest.raises(BadInput, match="unknown camera 'b'"):  # which of the two?
        files.load(tmp_path / "a.usda", name="b")


def test_cuts_that_no_longer_fit_are_left_out(tmp_path):
    files.save(tmp_path / "a.usda", path_of())
    text = (tmp_path / "a.usda").read_text().replace("endTimeCode = 8", "endTimeCode = 3")
    (tmp_path / "b.usda").write_text(text)
    found = files.load_noting(tmp_path / "b.usda")
    assert (found.camera.frames, found.camera.cuts.any()) == (4, False)
    assert "do not fit" in found.notes[0]


def test_odd_stages(tmp_path):
    def broken(name, text):
        (tmp_path / name).write_bytes(text)
        return tmp_path / name

    def with_camera(change):
        stage = stage_of(tmp_path / f"{len(list(tmp_path.iterdir()))}.usda")
        change(stage, UsdGeom.Camera.Define(stage, "/Cam"))
        stage.Save()
        return stage.GetRootLayer().realPath

    mirrored = Gf.Matrix4d(Gf.Vec4d(1, 1, -1, 1))
    cases = [
        (broken("text.usda", b'#usda 1.0\n def Xform "a" {'), "is not a USD file that can be read .*Expected }"),
        (broken("noise.usd", b"hello" * 20), "is not a USD file that can be read .*Failed to open"),
        (broken("empty.usdc", b""), "is not a USD file that can be read"),
        (broken("nothing.usda", b"#usda 1.0\n"), "holds no perspective camera"),
        (tmp_path / "none.usd", "no such file"),
        (with_camera(lambda s, c: c.GetFocalLengthAttr().Set(0.0)), "not above 0"),
        (with_camera(lambda s, c: c.GetFocalLengthAttr().Set(float("nan"))), "not finite"),
        (with_camera(lambda s, c: c.AddTransformOp().Set(mirrored)), "mirrored or flattened"),
        (with_camera(lambda s, c: s.SetEndTimeCode(1e12)), "frames at 24 a second, expected at most"),
        (with_camera(lambda s, c: s.SetTimeCodesPerSecond(0)), "timeCodesPerSecond|frames per second"),
        (with_camera(lambda s, c: UsdGeom.SetStageMetersPerUnit(s, -1)), "metersPerUnit is -1"),
    ]
    for path, message in cases:
        with pytest.raises(BadInput, match=message) as caught:
            files.load(path)
        assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value), message


def test_broken_bytes_are_an_error_in_one_line(tmp_path):
    files.save(tmp_path / "good.usda", path_of())
    good, rng, refused = (tmp_path / "good.usda").read_bytes(), np.random.default_rng(0), 0
    for k in range(40):
        bytes_ = bytearray(good)
        for at in rng.integers(len(good), size=rng.integers(1, 9)):
            bytes_[at] = rng.integers(256)
        (tmp_path / f"{k}.usda").write_bytes(bytes_)
        try:
            files.load(tmp_path / f"{k}.usda")
        except BadInput as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 5


def test_a_layer_changed_on_disk_is_read_anew(tmp_path):
    for k in (1.0, 2.0):
        pose = look_at([k, 0, 0], [0, 0, 0])[None]
        files.save(tmp_path / "a.usda", path_of(1, cuts=np.zeros(1, bool)).__class__(pose, 35.0, Fraction(24)))
        assert files.load(tmp_path / "a.usda").T_world_camera[0, 0, 3] == k


def test_references_that_are_missing_do_not_matter(tmp_path, capfd):
    layer = Sdf.Layer.CreateNew(str(tmp_path / "a.usda"))
    layer.ImportFromString('#usda 1.0\n(\n subLayers=[@gone.usda@]\n)\ndef Camera "Cam" {}')
    layer.Save()
    assert files.load(tmp_path / "a.usda").frames == 1


def test_without_usd_the_line_that_installs_it(tmp_path):
    code = (
        "import sys; sys.modules['pxr'] = None\n"
        "from render.interchange import camera\nfrom motion.errors import MissingExtra\n"
        "import numpy as np; from motion.camera import CameraPath\n"
        "try: camera.save(sys.argv[1], CameraPath(np.eye(4)[None], 35.0, 24))\n"
        "except MissingExtra as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.usd")], capture_output=True, text=True)
    assert "pip install 'cinemotion[usd]'" in done.stdout, done.stderr
    assert not list(tmp_path.iterdir())
