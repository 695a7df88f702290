"""What cameras of `Framing-v0` see, against slow references in float64, and in scenes that go to extremes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rl_camera import framing
from rl_camera.env.columns import Columns
from rl_camera.env.config import FramingConfig
from rl_camera.env.core import Framing
from rl_camera.env.episode import Episodes
from rl_camera.env.library import CAPSULES, KEYPOINTS
from rl_camera.env.sampling import Sampler
from rl_camera.env.sight import NEAR, Sight, axes_of

#: Metres within which a sight line may be told either way: the numbers of the batch are float32.
TIE = 2e-3


def scene(count: int = 60, seed: int = 0, **options: Any) -> tuple[Framing, Episodes, Columns, np.random.Generator]:
    """Episodes some way in, with cameras that are tilted, rolled and not quite where they should be."""
    config = FramingConfig(**{"performers": 3, "crowd": True} | options)
    core = Framing(config)
    draw = Sampler(config, core.table).draw(np.arange(count, dtype=np.uint64) + seed, np.zeros(count, np.uint64))
    episodes, state = draw
    rng = np.random.default_rng(seed)
    episodes.t += rng.integers(0, config.steps, count)
    state["place"] += rng.normal(0, 0.4, (3, count))
    state["place"][1] = np.maximum(state["place"][1], 0.2)
    state["angles"] += rng.normal(0, 0.12, (3, count)) * np.array([[1], [1], [3]])
    state["log_focal"] -= 0.3
    return core, episodes, state, rng


def world_points(core: Framing, episodes: Episodes) -> np.ndarray:
    """Keypoints ``(P, K, N, 3)`` in the world, straight from the table."""
    d, K = episodes.data, core.eye.keys
    table = core.table.points.reshape(3, K, -1).astype(np.float64)
    out = np.empty((len(episodes.rows), K, len(episodes), 3))
    for p, first in enumerate(episodes.rows):
        x, y, z = table[:, :, first + episodes.t]
        c, s = d["cos"][p].astype(np.float64), d["sin"][p].astype(np.float64)
        out[p] = np.stack([c * x + s * z + d["off_x"][p], d["scale"][p] * y, c * z - s * x + d["off_z"][p]], -1)
    return out


def poses(state: Columns) -> np.ndarray:
    """Camera poses ``(N, 4, 4)``."""
    return framing.pose(state["place"].T, *state["angles"])


# ---- axes and projection


def test_axes_are_those_of_framing_pose() -> None:
    angles = np.random.default_rng(0).uniform(-3, 3, (3, 200)).astype(np.float32)
    expected = framing.pose(np.zeros((200, 3)), *angles)[:, :3, :3]
    assert np.allclose(axes_of(angles).transpose(2, 1, 0), expected, atol=1e-6)


@pytest.mark.parametrize("keypoints", ["smpl24", "eight"])
def test_places_in_the_picture_are_those_of_framing_project(keypoints: str) -> None:
    core, episodes, state, _ = scene(keypoints=keypoints, occluders=2)
    bearings = np.empty((4, 3, core.eye.keys, 60), np.float32)
    sight = core.eye.look(episodes, state, bearings)
    points = world_points(core, episodes)
    for i in range(60):
        aspect = core.config.aspect
        T, focal = poses(state)[i], float(np.exp(state["log_focal"][i]))
        place, depth = framing.project(T, focal, aspect, points[:, :, i])
        front = depth > 2 * NEAR
        assert np.allclose(sight.place[:, :, :, i].transpose(1, 2, 0)[front], place[front], atol=2e-3)
        inside = front & (np.abs(place) <= 1).all(-1)
        clear = np.abs(np.abs(place) - 1).min(-1) > 1e-3
        assert (sight.inside[:, :, i] == inside)[clear & (np.abs(depth - NEAR) > 1e-3)].all()
        local = (points[:, :, i] - T[:3, 3]) @ T[:3, :3]
        away = np.linalg.norm(local, axis=-1)
        assert np.allclose(bearings[:3, :, :, i].transpose(1, 2, 0), local / away[..., None], atol=1e-5)
        assert np.allclose(bearings[3, :, :, i], np.log(away), atol=1e-5)
        assert np.allclose(sight.distance[:, 0, i], away.min(1), atol=1e-4)
        assert sight.bounds is not None
        seen = front.all(1)
        assert np.allclose(sight.bounds[0, :, seen, i], place.min(1)[seen], atol=2e-3)
        assert np.allclose(sight.bounds[1, :, seen, i], place.max(1)[seen], atol=2e-3)


# ---- sight lines


def line_to_ball(start: np.ndarray, end: np.ndarray, middle: np.ndarray) -> float:
    """Least distance of a segment and a point."""
    way = end - start
    share = np.clip(way @ (middle - start) / (way @ way), 0.0, 1.0)
    return float(np.linalg.norm(start + share * way - middle))


def line_to_rod(start: np.ndarray, end: np.ndarray, foot: np.ndarray, head: np.ndarray) -> float:
    """Least distance of two segments: convex along the rod, so thirds of an interval find it."""
    low, high = 0.0, 1.0
    for _ in range(30):
        a, b = low + (high - low) / 3, high - (high - low) / 3
        first, second = (line_to_ball(start, end, foot + t * (head - foot)) for t in (a, b))
        low, high = (low, b) if first < second else (a, high)
    return line_to_ball(start, end, foot + 0.5 * (low + high) * (head - foot))


def line_in_box(start: np.ndarray, end: np.ndarray, half: np.ndarray) -> float:
    """How deep a segment goes into a box about the origin, metres; negative: by how much it misses, or nearly so."""
    points = start + np.linspace(0.0, 1.0, 4001)[:, None] * (end - start)
    return float((half - np.abs(points)).min(1).max())


def things_margin(d: Columns, i: int, start: np.ndarray, end: np.ndarray) -> float:
    """How deep the things of episode i cut a sight line, metres; negative: by how much all miss it."""
    deepest = -np.inf
    for b in range(d["block_reach"].shape[0]):
        if d["block_reach"][b, i] <= 0:
            continue
        at, half = d["block_at"][:, b, i].astype(np.float64), d["block_half"][:, b, i].astype(np.float64)
        radius = float(d["block_round"][b, i])
        if radius <= 0:
            c, s = float(d["block_cos"][b, i]), float(d["block_sin"][b, i])
            own = np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])
            deep = line_in_box(own @ (start - at), own @ (end - at), half)
        elif half[1] > 0:
            deep = radius - line_to_rod(start, end, at - [0, half[1], 0], at + [0, half[1], 0])
        else:
            deep = radius - line_to_ball(start, end, at)
        deepest = max(deepest, deep)
    return deepest


@pytest.mark.parametrize("kind", ["spheres", "mixed"])
def test_things_hide_what_a_slow_reference_says(kind: str) -> None:
    core, episodes, state, _ = scene(240, performers=1, occluder_kind=kind)
    sight = core.eye.look(episodes, state)
    assert sight.hidden is not None
    points, told = world_points(core, episodes), 0
    for i in range(240):
        for k in np.flatnonzero(sight.inside[0, :, i])[::3]:
            margin = things_margin(episodes.data, i, state["place"][:, i].astype(float), points[0, k, i])
            if abs(margin) > TIE:
                assert sight.hidden[0, k, i] == (margin > 0), (i, k, margin)
                told += margin > 0
    assert told > 60  # there was something to tell


def test_bodies_hide_each_other_as_a_slow_reference_says() -> None:
    core, episodes, state, _ = scene(40, seed=3, occluders=0)
    d = episodes.data
    # Put them before each other, so that they stand in each other's way.
    pelvis = world_points(core, episodes)[:, 0]  # (P, N, 3)
    for p, share in ((1, 0.6), (2, 0.8)):
        goal = (1 - share) * state["place"] + share * pelvis[0].T
        d["off_x"][p] += goal[0] - pelvis[p, :, 0]
        d["off_z"][p] += goal[2] - pelvis[p, :, 2]
    sight = core.eye.look(episodes, state)
    points, names, told = world_points(core, episodes), KEYPOINTS["smpl24"], 0
    assert sight.hidden is not None
    for i in range(40):
        start = state["place"][:, i].astype(float)
        for p in range(3):
            for k in np.flatnonzero(sight.inside[p, :, i])[::5]:
                margin = -np.inf
                for other in {0, 1, 2} - {p}:
                    for a, b, radius in CAPSULES["smpl24"]:
                        foot, head = points[other, names.index(a), i], points[other, names.index(b), i]
                        away = line_to_rod(start, points[p, k, i], foot, head)
                        margin = max(margin, radius / 1.7 * float(d["stature"][other, i]) - away)
                if abs(margin) > TIE:
                    assert sight.hidden[p, k, i] == (margin > 0), (i, p, k, margin)
                    told += margin > 0
    assert told > 60


def test_gaps_and_the_two_told_things_are_those_of_a_slow_reference() -> None:
    core, episodes, state, _ = scene(80, performers=1, seed=9)
    obs, moment = core.observe(episodes, state)
    d, things = episodes.data, moment.sight.things
    assert things is not None
    place = state["place"].astype(np.float64)
    near, sight_slot = (core.parts[name] for name in ("obstacle_near", "obstacle_sight"))
    for i in range(80):
        real = np.flatnonzero(d["block_reach"][:, i] > 0)
        if not len(real):
            assert (obs[near.start : near.stop, i] == 0).all() and (
                obs[sight_slot.start : sight_slot.stop, i] == 0
            ).all()
            continue
        gap = np.array([gap_of(d, b, i, place[:, i]) for b in real])
        assert np.allclose(things.gap[real, i], gap, atol=1e-4)
        least = np.exp(obs[near.start + 3, i]) * 3.0
        assert np.isclose(least, max(gap.min(), 0.03), rtol=1e-3, atol=1e-3)
        # What threatens the sight line most: the least free angle of those before the subject.
        target = moment.sight.anchor[:, i] - place[:, i]
        away = np.linalg.norm(target)
        off = d["block_at"][:, real, i].T - place[:, i]
        along = off @ target / away
        reach = d["block_reach"][real, i]
        room = (np.sqrt(np.maximum((off**2).sum(1) - along**2, 0)) - reach) / np.linalg.norm(off, axis=1)
        counts = (along > -reach) & (along < away)
        if counts.any() and len(real) > 1:
            room[~counts] = 9.0
            first, second = np.sort(room)[:2]
            if second - first > 1e-2:
                b = real[room.argmin()]
                radius = np.arcsin(min(d["block_reach"][b, i] / np.linalg.norm(off[room.argmin()]), 1.0))
                assert np.isclose(obs[sight_slot.start + 4, i], radius, atol=1e-3)


def gap_of(d: Columns, b: int, i: int, place: np.ndarray) -> float:
    """Metres from a camera to a thing's surface."""
    off, half = place - d["block_at"][:, b, i], d["block_half"][:, b, i].astype(np.float64)
    c, s = float(d["block_cos"][b, i]), float(d["block_sin"][b, i])
    out = np.abs([c * off[0] - s * off[2], off[1], s * off[0] + c * off[2]]) - half
    return float(np.linalg.norm(np.maximum(out, 0)) + min(out.max(), 0.0) - d["block_round"][b, i])


# ---- extremes


def test_nothing_that_happens_to_a_camera_makes_an_observation_that_is_not_a_number() -> None:
    core, episodes, state, rng = scene(48, performers=4, knowledge="offline")
    d = episodes.data
    d["off_x"][1, :8] += 1000.0  # a kilometre apart
    for p in range(4):
        d["off_x"][p, 8:16], d["off_z"][p, 8:16] = 0.0, 0.0  # all at one point, nearly
    points = world_points(core, episodes)
    state["place"][:, 16:24] = points[0, 0, 16:24].T  # the camera at the pelvis
    state["place"][:, 24:28] = core.judge(episodes, state).sight.anchor[:, 24:28]
    state["log_focal"][28:32], state["log_focal"][32:36] = np.log(1.0), np.log(2000.0)
    state["angles"][0, 36:40] += np.pi  # looks away
    state["place"][:, 40:44] = d["block_at"][:, 0, 40:44]  # within a thing
    state["place"][0, 44:48] += 1e5
    for _ in range(3):
        obs, moment = core.observe(episodes, state)
        assert np.isfinite(obs).all() and np.isfinite(moment.reward).all()
        assert all(np.isfinite(term).all() for term in moment.terms.values())
        state = core.step(episodes, state, rng.uniform(-1, 1, (7, 48)).astype(np.float32))


def test_bearings_are_unit_vectors_also_behind_the_camera() -> None:
    core, episodes, state, _ = scene(40, performers=2, crowd=True)
    before, _ = core.observe(episodes, state)
    state["angles"][0] += np.pi
    after, moment = core.observe(episodes, state)
    for obs in (before, after):
        bearings = obs[core.parts["bearings"].start : core.parts["bearings"].stop].reshape(3, -1)
        assert np.allclose((bearings**2).sum(0), 1.0, atol=1e-5)
    assert (moment.sight.local[2] > 0).mean() > 0.9 and moment.terms["visibility"].mean() < 0.2


def test_absent_performers_are_zeros_and_hide_nobody() -> None:
    core, episodes, state, _ = scene(60, performers=3, crowd=False)
    obs, moment = core.observe(episodes, state)
    absent = episodes.data["present"] < 0.5
    assert absent.any()
    bearings = obs[: core.parts["distances"].stop].reshape(4, 3, 24, 60)
    assert (bearings.transpose(1, 3, 0, 2)[absent] == 0).all()
    assert not moment.sight.inside.transpose(0, 2, 1)[absent].any()
    alone = (absent.sum(0) == 2) & (episodes.data["block_reach"].max(0) <= 0)
    sight: Sight = moment.sight
    assert sight.hidden is not None and alone.any() and not sight.hidden[..., alone].any()
