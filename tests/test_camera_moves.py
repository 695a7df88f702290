"""The law of each move, exactly: how far, around what, how fast, what stays as it was."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from camera_people import shot, stander

from motion import rotations as rot
from motion.camera import CameraPath
from motion.rotations import Array
from motion.stage import Stage
from rl_camera import direct, framing
from rl_camera.moves import WHIP_S, course, unrest
from rl_camera.subjects import middle
from rl_camera.vocabulary import MOVES, SIZES, Move

WIDE = 16 / 9
#: So many frames that the last one is the shot's end, but for what an eased move covers in it.
FINE = Fraction(2000)


def filmed(move: str, fps: Fraction = FINE, seconds: float = 0.5, size: str = "medium", **options: float) -> CameraPath:
    asked = shot(move=move, options=options, end_s=seconds, size=size, view="front")
    return direct([stander()], Stage(), [asked], fps, WIDE)


def framed(size: str = "medium") -> Array:
    """The middle (3,) of the part of the stander that is framed from the front."""
    tracks = framing.track([stander()], [0.0])
    return middle(tracks.points, framing.indices(SIZES[size].keeps), np.zeros(1), 0.0)[0]


def away(path: CameraPath, size: str = "medium") -> Array:
    return np.linalg.norm(path.T_world_camera[:, :3, 3] - framed(size), axis=1)


def places(path: CameraPath) -> Array:
    return path.T_world_camera[:, :3, 3]


def same_way(path: CameraPath) -> None:
    """The camera never turns."""
    turn = path.T_world_camera[:, :3, :3]
    np.testing.assert_allclose(turn, np.broadcast_to(turn[0], turn.shape), atol=1e-9)


@pytest.mark.parametrize(
    ("move", "amount", "ratio"), [("push_in", 0.4, 0.6), ("pull_out", 0.5, 1.5), ("push_in", -0.2, 1.2)]
)
def test_a_push_ends_at_its_share_of_the_distance(move: str, amount: float, ratio: float) -> None:
    path = filmed(move, amount=amount)
    assert away(path)[-1] / away(path)[0] == pytest.approx(ratio, abs=1e-6)
    step = np.diff(away(path))
    assert (np.sign(step[np.abs(step) > 1e-12]) == np.sign(ratio - 1)).all()  # all the way in one direction
    line = np.diff(places(path)[[0, -1]], axis=0)[0]
    off = np.cross(places(path) - places(path)[0], line / np.linalg.norm(line))
    assert np.abs(off).max() < 0.02  # straight, but for the eyes' height being kept


@pytest.mark.parametrize(("move", "sign"), [("truck_right", 1), ("truck_left", -1)])
def test_a_truck_goes_along_the_cameras_right_and_does_not_turn(move: str, sign: int) -> None:
    path = filmed(move, amount=1.5)
    same_way(path)
    np.testing.assert_allclose(
        places(path)[-1] - places(path)[0], sign * 1.5 * path.T_world_camera[0, :3, 0], atol=1e-6
    )
    middle_frame = places(path)[path.frames // 2]
    np.testing.assert_allclose(middle_frame, places(filmed("static"))[0], atol=2e-3)  # half of it before the middle


@pytest.mark.parametrize(("move", "sign"), [("pedestal_up", 1), ("pedestal_down", -1)])
def test_a_pedestal_goes_straight_up_and_does_not_turn(move: str, sign: int) -> None:
    path = filmed(move, amount=0.5)
    same_way(path)
    np.testing.assert_allclose(places(path)[-1] - places(path)[0], [0, sign * 0.5, 0], atol=1e-6)


@pytest.mark.parametrize(("move", "sign"), [("crane_up", 1), ("crane_down", -1)])
def test_a_crane_rises_as_high_as_it_says_and_holds_its_subject(move: str, sign: int) -> None:
    path = filmed(move, amount=1.2)
    assert np.ptp(places(path)[:, [0, 2]], axis=0).max() < 1e-9
    assert places(path)[-1, 1] - places(path)[0, 1] == pytest.approx(sign * 1.2, abs=1e-6)
    xy, _ = framing.project(path.T_world_camera, path.focal_mm, WIDE, framed()[None])
    assert np.abs(xy[:, 0, 0]).max() < 0.01 and np.ptp(xy[:, 0, 1]) < 0.5


def circle(path: CameraPath) -> tuple[Array, float]:
    """Radius at every frame and the swept angle, about the axis that fits best."""
    x, z = places(path)[:, 0], places(path)[:, 2]
    fit, *_ = np.linalg.lstsq(np.c_[2 * x, 2 * z, np.ones(len(x))], x**2 + z**2, rcond=None)
    angle = np.unwrap(np.arctan2(x - fit[0], z - fit[1]))
    return np.hypot(x - fit[0], z - fit[1]), float(np.degrees(angle[-1] - angle[0]))


@pytest.mark.parametrize(
    ("move", "amount", "swept"), [("arc_right", 50.0, 50.0), ("arc_left", 50.0, -50.0), ("arc_right", -20.0, -20.0)]
)
def test_an_arc_keeps_its_radius_and_sweeps_its_angle(move: str, amount: float, swept: float) -> None:
    path = filmed(move, amount=amount)
    radius, angle = circle(path)
    assert np.ptp(radius) < 1e-9 * radius[0] and angle == pytest.approx(swept, abs=1e-4)
    assert np.ptp(places(path)[:, 1]) < 1e-12
    away_from_right = (places(path)[-1] - places(path)[0]) @ path.T_world_camera[0, :3, 0]
    assert np.sign(away_from_right) == np.sign(swept)


def test_an_orbit_goes_all_the_way_round_at_one_speed_and_closes() -> None:
    path = filmed("orbit", fps=Fraction(240), seconds=3.0)
    radius, _ = circle(path)
    assert np.ptp(radius) < 1e-9 * radius[0]
    yaw = np.unwrap(framing.angles_of(path.T_world_camera)[0])
    steps = np.diff(yaw)
    assert np.ptp(steps) < 1e-9
    assert np.degrees(steps.mean() * path.frames) == pytest.approx(360.0, abs=1e-6)
    # One more frame would be the first again.
    step = rot.to_matrix(rot.yaw(steps.mean()))
    np.testing.assert_allclose(step @ path.T_world_camera[-1, :3, :3], path.T_world_camera[0, :3, :3], atol=1e-9)


@pytest.mark.parametrize("amount", [0.45, 0.8, -0.6])
@pytest.mark.parametrize("size", ["close_up", "medium", "wide"])
def test_a_dolly_zoom_keeps_the_size_to_the_letter(size: str, amount: float) -> None:
    path = filmed("dolly_zoom", size=size, amount=amount, fps=Fraction(60), seconds=1.0)
    depth = -np.einsum("ti,ti->t", framed(size) - places(path), path.T_world_camera[:, :3, 2])
    projected = path.focal_mm / depth
    assert np.ptp(projected) / projected[0] < 1e-6
    travelled = away(path, size)[-1] / away(path, size)[0]
    assert travelled == pytest.approx(1.0 - amount, abs=2e-3)
    assert path.focal_mm[-1] / path.focal_mm[0] == pytest.approx(1.0 - amount, abs=0.05)


@pytest.mark.parametrize(("move", "times"), [("zoom_in", 2.0), ("zoom_out", 0.5)])
def test_a_zoom_stands_and_turns_the_lens(move: str, times: float) -> None:
    path = filmed(move, amount=2.0)
    assert path.focal_mm[-1] / path.focal_mm[0] == pytest.approx(times, abs=1e-6)
    assert np.ptp(places(path), axis=0).max() < 1e-9


@pytest.mark.parametrize(
    ("move", "angle", "sign"), [("pan_left", 0, 1), ("pan_right", 0, -1), ("tilt_up", 1, 1), ("tilt_down", 1, -1)]
)
def test_pans_and_tilts_stand_and_turn_as_far_as_they_say(move: str, angle: int, sign: int) -> None:
    path = filmed(move, amount=20.0)
    assert np.ptp(places(path), axis=0).max() < 1e-12
    turned = np.degrees(np.unwrap(framing.angles_of(path.T_world_camera)[angle]))
    assert turned[-1] - turned[0] == pytest.approx(sign * 20.0, abs=1e-4)


# whip pans -----------------------------------------------------------------------------------------------------


def yaw_of(path: CameraPath) -> Array:
    return np.degrees(np.unwrap(framing.angles_of(path.T_world_camera)[0]))


@pytest.mark.parametrize(("move", "sign"), [("whip_pan_left", 1), ("whip_pan_right", -1)])
def test_a_whip_pan_sweeps_its_angle_and_lands_on_the_composed_picture(move: str, sign: int) -> None:
    path = filmed(move, fps=Fraction(1000), seconds=1.0, amount=75.0)
    still = filmed("static", fps=Fraction(1000), seconds=1.0)
    yaw = yaw_of(path)
    assert yaw[-1] - yaw[0] == pytest.approx(sign * 75.0, abs=1e-6)
    landed = round(WHIP_S * 1000)
    np.testing.assert_allclose(path.T_world_camera[landed:], still.T_world_camera[landed:], atol=1e-9)
    assert np.ptp(places(path), axis=0).max() < 1e-12
    rate = np.abs(np.diff(yaw)) * 1000
    assert int(rate.argmax()) == pytest.approx(landed / 2, abs=2)  # fastest in the middle
    assert rate.max() == pytest.approx(1.875 * 75.0 / WHIP_S, rel=1e-3)  # the minimum-jerk curve's top speed


def test_a_whip_pan_may_leave() -> None:
    path = filmed("whip_pan_left", fps=Fraction(1000), seconds=1.0, leave=1.0)
    yaw = yaw_of(path)
    assert np.ptp(yaw[: 1000 - round(WHIP_S * 1000)]) < 1e-9
    assert yaw[-1] - yaw[0] == pytest.approx(90.0, abs=1e-3)


def test_two_halves_of_a_whip_pan_meet_at_its_fastest() -> None:
    one = filmed("whip_pan_left", fps=Fraction(1000), seconds=1.0, leave=1.0, half=1.0)
    two = filmed("whip_pan_left", fps=Fraction(1000), seconds=1.0, half=1.0)
    a, b = yaw_of(one), yaw_of(two)
    assert a[-1] - a[0] == pytest.approx(45.0, abs=0.5) and b[-1] - b[0] == pytest.approx(45.0, abs=1e-6)
    out, into = np.diff(a) * 1000, np.diff(b) * 1000
    assert int(out.argmax()) == len(out) - 1 and int(into.argmax()) == 0  # the cut lies in the blur
    assert out[-1] == pytest.approx(into[0], rel=1e-3)


def test_a_whip_pan_smears_the_picture_under_an_open_shutter() -> None:
    path = filmed("whip_pan_right", fps=Fraction(24), seconds=1.0)
    across = np.degrees(2 * np.arctan(path.sensor_width_mm / 2 / path.focal_mm[0]))
    k = round(WHIP_S * 24 / 2)
    opened, closed = (framing.angles_of(path.at(k + s * path.shutter_angle / 720)[0])[0] for s in (-1, 1))
    smear = abs(np.degrees(closed - opened)) / across
    assert smear > 0.15  # a sixth of the picture in one frame: nothing can be made out
    later = [framing.angles_of(path.at(20 + s * 0.25)[0])[0] for s in (-1, 1)]
    assert abs(np.degrees(later[1] - later[0])) < 1e-9


def test_a_whip_pan_shorter_than_a_frame_and_longer_than_its_shot() -> None:
    for seconds, whip_s in ((1 / 30, 0.4), (0.2, 5.0), (1.0, 0.0)):
        path = filmed("whip_pan_left", fps=Fraction(30), seconds=seconds, whip_s=whip_s)
        assert np.isfinite(path.T_world_camera).all()


# handheld ------------------------------------------------------------------------------------------------------


def test_handheld_noise_is_the_same_at_any_rate() -> None:
    fine = unrest(np.arange(1200) / 120, 3, 5)
    for fps in (24, 30, 60):
        np.testing.assert_array_equal(unrest(np.arange(10 * fps) / fps, 3, 5), fine[:: 120 // fps][: 10 * fps])


def test_handheld_noise_has_no_mean_and_keeps_to_its_bands() -> None:
    fps, seconds = 30, 600
    wave = unrest(np.arange(fps * seconds) / fps, 7, 3)
    assert np.abs(wave.mean(0)).max() < 0.02
    np.testing.assert_allclose(np.sqrt((wave**2).mean(0)), 1.0, atol=0.02)
    power = np.abs(np.fft.rfft(wave * np.hanning(len(wave))[:, None], axis=0)) ** 2
    hertz = np.fft.rfftfreq(len(wave), 1 / fps)
    share = power / power.sum(0)
    slow, mid, high = (0.1, 0.56), (0.78, 1.6), (2.6, 4.5)  # Cinemachine's guidance: low, mid, high, each detuned
    inside = [share[(hertz >= a) & (hertz <= b)].sum(0) for a, b in (slow, mid, high)]
    np.testing.assert_allclose(np.sum(inside, axis=0), 1.0, atol=1e-4)
    assert (
        (inside[0] > 0.75).all() and (inside[1] > 0.02).all() and (inside[2] < 0.01).all() and (inside[2] > 1e-4).all()
    )


def test_handheld_is_as_strong_as_it_says_on_any_move() -> None:
    for move in ("handheld", "push_in", "static"):
        calm = course(shot(move=move, end_s=300.0, options={"shake": 0.0}), np.arange(9000) / 30, 50.0, 3.0, WIDE)
        rough = course(shot(move=move, end_s=300.0, options={"shake": 2.0}), np.arange(9000) / 30, 50.0, 3.0, WIDE)
        np.testing.assert_allclose(rough.distance, calm.distance)
        turn = np.degrees(rough.yaw - calm.yaw)
        assert np.sqrt((turn**2).mean()) == pytest.approx(2.0 * MOVES[Move.HANDHELD].amount, rel=0.05)
        assert np.abs(turn.mean()) < 0.05
    np.testing.assert_array_equal(course(shot(move="static"), np.arange(60) / 30, 50.0, 3.0, WIDE).yaw, 0.0)


# how far -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "move", [m for m in MOVES if MOVES[m].unit and m not in ("whip_pan_left", "whip_pan_right", "handheld")]
)
def test_a_slow_move_goes_less_far_and_a_quick_one_farther(move: str) -> None:
    from rl_camera.moves import amount_of

    slow, usual, quick = (amount_of(shot(move=move, options={"pace": p}), 50.0, 3.0, WIDE) for p in (0.6, 1.0, 1.6))
    assert 0 < slow < usual < quick
    given = amount_of(shot(move=move, options={"pace": 0.6, "amount": 2.0}), 50.0, 3.0, WIDE)
    assert given in (2.0, pytest.approx(np.radians(2.0)))


def test_a_slow_whip_pan_takes_longer_and_goes_as_far() -> None:
    quick, slow = (filmed("whip_pan_left", fps=Fraction(500), seconds=1.0, pace=p) for p in (1.6, 0.6))
    assert np.ptp(yaw_of(quick)) == pytest.approx(90.0, abs=1e-6) == np.ptp(yaw_of(slow))
    assert np.abs(np.diff(yaw_of(quick))).max() > 2 * np.abs(np.diff(yaw_of(slow))).max()
