"""A user's own SMPL files: read without running them, posed as smplx poses them, never bare."""

from __future__ import annotations

import io
import os
import pickle
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from motion import rotations as rot
from motion import skeleton
from motion.body import Body, measure, smpl_files
from motion.errors import BadInput

POSES = measure.named_poses()


def small_model(joints: int = 24, seed: int = 0) -> dict[str, np.ndarray]:
    """A lumpy figure in SMPL's layout: one little box round every joint."""
    rng = np.random.default_rng(seed)
    rest = Body.default().mesh.joints
    parents = list(skeleton.PARENTS)
    centres = rest.copy()
    if joints == 52:
        parents = parents[:22] + [20, 22, 23, 20, 25, 26, 20, 28, 29, 20, 31, 32, 20, 34, 35]
        parents += [21, 37, 38, 21, 40, 41, 21, 43, 44, 21, 46, 47, 21, 49, 50]
        centres = np.concatenate([rest[:22], np.repeat(rest[22:23], 15, 0), np.repeat(rest[23:24], 15, 0)])
    corner = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * 0.05
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    box = np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))])
    count = 8 * joints
    weights = np.repeat(np.eye(joints), 8, axis=0) + 0.2 * np.roll(np.repeat(np.eye(joints), 8, axis=0), 8, axis=0)
    return {
        "v_template": (centres[:, None] + corner).reshape(-1, 3),
        "shapedirs": 0.01 * rng.standard_normal((count, 3, 10)),
        "posedirs": 0.002 * rng.standard_normal((count, 3, 9 * (joints - 1))),
        "J_regressor": np.repeat(np.eye(joints), 8, axis=1) / 8,
        "weights": weights / weights.sum(1, keepdims=True),
        "kintree_table": np.array([[2**32 - 1, *parents[1:]], list(range(joints))], dtype=np.int64),
        "f": np.concatenate([box + 8 * j for j in range(joints)]).astype(np.uint32),
    }


def smplx_vertices(arrays: dict[str, np.ndarray], pose: np.ndarray, root: np.ndarray, betas: np.ndarray) -> np.ndarray:
    smplx = pytest.importorskip("smplx")
    torch = pytest.importorskip("torch")
    from smplx.utils import Struct
    from smplx.vertex_ids import vertex_ids

    nowhere = dict.fromkeys(vertex_ids["smplh"], 0)  # its extra joints are vertices of another mesh
    model = smplx.SMPL(model_path="", data_struct=Struct(**arrays), batch_size=1, vertex_ids=nowhere)
    vector = torch.tensor(rot.to_rotvec(pose), dtype=torch.float32)
    out = model(
        betas=torch.tensor(betas[None], dtype=torch.float32), global_orient=vector[:1],
        body_pose=vector[1:].reshape(1, -1), transl=torch.tensor(root[None], dtype=torch.float32),
    )  # fmt: skip
    return out.vertices[0].detach().numpy()


@pytest.mark.parametrize("name", POSES)
def test_default_body_moves_as_smplx_moves_it(name: str) -> None:
    body = Body.default(outfit="casual")
    root = np.array([0.5, 1.0, -2.0])
    theirs = smplx_vertices(body.smpl_arrays(), POSES[name], root - body.mesh.joints[0], np.zeros(10))
    ours, _ = body.pose(POSES[name][None], root[None])
    assert np.linalg.norm(theirs[:-24] - ours[0], axis=1).max() < 1e-4


def test_a_users_model_moves_as_smplx_moves_it(tmp_path: Path) -> None:
    arrays, betas = small_model(), np.linspace(-1, 1, 10)
    np.savez(tmp_path / "SMPL_NEUTRAL.npz", **arrays)
    body = Body.from_smpl(tmp_path, betas=betas)
    pose = POSES["deep-squat"]
    shaped = arrays["v_template"] + arrays["shapedirs"] @ betas
    lift = -shaped[:, 1].min()
    pelvis = arrays["J_regressor"][0] @ shaped
    theirs = smplx_vertices(arrays, pose, np.array([0, lift, 0]), betas)
    ours, _ = body.pose(pose[None], (pelvis + [0, lift, 0])[None])
    # The mesh was re-ordered: compare as sets of points.
    from scipy.spatial import cKDTree

    assert cKDTree(ours[0]).query(theirs)[0].max() < 1e-4


@pytest.mark.parametrize("joints, kind", [(24, "SMPL"), (52, "SMPL-H")])
@pytest.mark.parametrize("suffix", ["npz", "pkl"])
def test_models_load_from_both_kinds_of_file(tmp_path: Path, joints: int, kind: str, suffix: str) -> None:
    path = tmp_path / f"model.{suffix}"
    arrays = small_model(joints)
    if suffix == "npz":
        np.savez(path, **arrays)
    else:
        path.write_bytes(pickle.dumps(arrays, protocol=2))
    body = Body.from_smpl(path)
    assert body.description.startswith(kind) and "non-commercial" in body.licence
    np.testing.assert_allclose(body.mesh.weights.sum(1), 1, atol=1e-5)
    vertices, normals = body.pose(POSES["seated"][None], body.rest_offsets[:1])
    assert np.isfinite(vertices).all() and np.allclose(np.linalg.norm(normals[0], axis=1), 1, atol=1e-4)


def test_sparse_matrices_in_a_pickle_are_read(tmp_path: Path) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    arrays: dict = small_model()
    dense = arrays["J_regressor"]
    for form in (sparse.csc_matrix, sparse.csr_matrix):
        arrays["J_regressor"] = form(dense)
        path = tmp_path / "model.pkl"
        path.write_bytes(pickle.dumps(arrays, protocol=2))
        np.testing.assert_allclose(smpl_files.load(path).joint_regressor, dense)


def chumpy_pickle(arrays: dict[str, np.ndarray], name: str) -> bytes:
    """A pickle in which one array is a ``chumpy.ch.Ch``, written without chumpy."""

    class Ch:
        def __init__(self, x: np.ndarray) -> None:
            self.x = x

    Ch.__module__, Ch.__qualname__ = "chumpy.ch", "Ch"

    class Writer(pickle._Pickler):  # the Python one, whose save_global can be told not to look
        def save_global(self, obj: object, name: str | None = None) -> None:
            if obj is Ch:
                self.write(pickle.GLOBAL + b"chumpy.ch\nCh\n")
                self.memoize(obj)
            else:
                super().save_global(obj, name)

        dispatch: ClassVar = pickle._Pickler.dispatch | {type: save_global}

    stream = io.BytesIO()
    Writer(stream, protocol=2).dump(arrays | {name: Ch(arrays[name])})
    return stream.getvalue()


@pytest.mark.parametrize("name", ["v_template", "shapedirs", "posedirs", "weights"])
def test_chumpy_arrays_are_read_without_chumpy(tmp_path: Path, name: str) -> None:
    arrays = small_model()
    path = tmp_path / "model.pkl"
    path.write_bytes(chumpy_pickle(arrays, name))
    loaded = smpl_files.load(path)
    np.testing.assert_allclose(loaded.template, arrays["v_template"])
    np.testing.assert_allclose(loaded.posedirs, arrays["posedirs"])


class Shell:
    def __init__(self, call: tuple) -> None:
        self.call = call

    def __reduce__(self) -> tuple:
        return self.call


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("where", ["alone", "beside"])
def test_a_pickle_that_wants_to_run_something_is_refused(tmp_path: Path, protocol: int, where: str) -> None:
    proof = tmp_path / "it-ran"
    path = tmp_path / "SMPL_NEUTRAL.pkl"
    for call in (
        (os.system, (f"touch {proof}",)),
        (eval, (f"open({str(proof)!r}, 'w')",)),
        (open, (str(proof), "w")),
        (np.load, (str(proof),)),
        (getattr, ("", "format")),
        (__import__, ("os",)),
    ):
        content = Shell(call) if where == "alone" else small_model() | {"extra": Shell(call)}
        path.write_bytes(pickle.dumps(content, protocol=protocol))
        with pytest.raises(BadInput, match="refused"):
            Body.from_smpl(path)
        assert not proof.exists()


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"not a pickle", b"\x80\x04", pickle.dumps([1, 2]), pickle.dumps({}), pickle.dumps({"v_template": [[1]]}),
        b"cnumpy\nndarray\n.", b"cnumpy\ndtype\n(S'O8'\ntR.", b"(" * 100_000, b"\x80\x04\x8e" + b"\xff" * 8,
    ],
)  # fmt: skip
def test_damaged_pickles_are_refused_in_one_line(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "SMPL_MALE.pkl"
    path.write_bytes(raw)
    with pytest.raises(BadInput) as caught:
        Body.from_smpl(path)
    assert "\n" not in str(caught.value) and "SMPL_MALE.pkl" in str(caught.value)


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda a: a.pop("weights"), "no weights"),
        (lambda a: a.update(weights=a["weights"] * 2), "do not sum to 1"),
        (lambda a: a.update(weights=a["weights"][:-1]), "weights has shape"),
        (lambda a: a.update(v_template=a["v_template"] * np.nan), "not finite"),
        (lambda a: a.update(f=a["f"] + 10_000), "must name vertices"),
        (lambda a: a.update(kintree_table=a["kintree_table"][:, :20]), "20 joints"),
        (lambda a: a.update(kintree_table=a["kintree_table"][:, ::-1]), "order"),
        (lambda a: a.update(posedirs=a["posedirs"][:, :, :100]), "posedirs has shape"),
        (lambda a: a.update(f=np.array(["x"])), "expected numbers"),
    ],
)
def test_models_that_lie_are_refused(tmp_path: Path, change, said: str) -> None:
    arrays = small_model()
    change(arrays)
    np.savez(tmp_path / "SMPL_NEUTRAL.npz", **arrays)
    with pytest.raises(BadInput, match=said):
        Body.from_smpl(tmp_path)


def test_an_npz_with_objects_in_it_is_refused(tmp_path: Path) -> None:
    arrays: dict = small_model()
    arrays["weights"] = np.array([Shell((os.system, ("true",)))], dtype=object)
    np.savez(tmp_path / "SMPL_NEUTRAL.npz", **arrays)
    with pytest.raises(BadInput):
        Body.from_smpl(tmp_path)


def test_missing_files_and_unknown_words_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file"):
        Body.from_smpl(tmp_path / "nothing.pkl")
    with pytest.raises(BadInput, match="SMPL_FEMALE"):
        Body.from_smpl(tmp_path, gender="female")
    with pytest.raises(BadInput, match="did you mean 'female'"):
        Body.from_smpl(tmp_path, gender="femal")
    (tmp_path / "body.txt").write_text("x")
    with pytest.raises(BadInput, match=r"expected \.npz or \.pkl"):
        Body.from_smpl(tmp_path / "body.txt")


def test_a_users_body_is_clothed(tmp_path: Path) -> None:
    body = Body.default()
    arrays = body.smpl_arrays()
    arrays["posedirs"] = np.zeros_like(arrays["posedirs"])
    np.savez(tmp_path / "SMPL_NEUTRAL.npz", **arrays)
    users = Body.from_smpl(tmp_path)
    skin = [i for i, m in enumerate(users.mesh.materials) if m.name == "skin"]
    centre = users.mesh.vertices[users.mesh.faces].mean(1)
    joints = users.mesh.joints
    trunk = np.abs(centre[:, 0]) < joints[skeleton.INDEX["left_shoulder"]][0]
    middle = (centre[:, 1] > joints[skeleton.INDEX["left_knee"]][1]) & (
        centre[:, 1] < joints[skeleton.INDEX["spine3"]][1]
    )
    assert not np.isin(users.mesh.face_material[trunk & middle], skin).any()
    with pytest.raises(BadInput, match="only the default body"):
        users.smpl_arrays()
