"""The measurements behind the numbers that the documentation quotes, from the packages that own them.

render [ROUNDS] [SIZE …]    the rasterizer beside pyrender, in one run
pathtrace [PATHS] [WIDTH HEIGHT]
                            seconds a path-traced frame, by each variant of Mitsuba that works here
motion [CORPUS] [WEIGHTS] [PART …] [REPORT.json] [card]
                            learned motion: every row of the table, keys, gaps, seams, frozen prompts, speed, and all
                            of it beside the goals; card: the headline figures go into the weights' cards
retarget [FOLDER …]         retargeting per set of captures, skinning; without a folder, the pybullet captures
physics [dynamics] [KIND …] [FOLDER …] [WEIGHTS] [REPORT.json]
                            clean-up pass by pass, of captures as they are (clean) and with planted faults (float, …),
                            retargets and generated motion; without a folder, of the pybullet captures; dynamics: also
                            as Bullet makes bodies perform them
physics PICTURE.jpg         three captures with planted faults before and after, and one that is left as it was
camera [shots] [POLICY …] [episodes=N] [cem=N,N] [tune=STEPS] [REPORT.json]
                            controllers on held-out shots, live and planned; without a policy, the shipped ones;
                            tune: the rule controller's settings first, with so many environment steps
camera scenes[=N]|scene=K [directors=A,B] [import=MODULE] [markdown] [SHEET.png] [REPORT.json]
                            directors on held-out scenes, live and planned, one's own too
camera editing [episodes=N] [films=N] [markdown] [REPORT.json]
                            editors, with the best edit as bound
camera-env                  the framing environment's speed, the adapter's cost, a whole PPO loop
refine PAIRS [weights=NAME] [rivals=FOLDER] [shots=N] [rows=A,B] [REPORT.json] [SHEET.png]
                            the refiner and its rivals on held-out shots against path-traced references
refine drift [weights=NAME] [seconds=N]
                            how far colours wander over a long shot in which nothing moves
formats [FOLDER …]          loading every capture below a folder, BVH beside pybvh; without one, the pybullet wheel's
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from motion.errors import BadInput, unknown


def render(*arguments: str) -> None:
    """All passes and the anti-aliased beauty, timed by turns with pyrender."""
    from render import bench

    for text in arguments[:1]:
        if not text.isdigit() or not 1 <= int(text) <= 10_000:
            raise BadInput(f"bench render: '{text}' rounds, expected a whole number")
    bench.run(*arguments)


def pathtrace(*arguments: str) -> None:
    """A new world's first frame and each after it, compiled and interpreted."""
    for text in arguments:
        if not text.isdigit() or not 1 <= int(text) <= 16384:
            raise BadInput(f"bench pathtrace: '{text}', expected whole numbers: paths a pixel, width, height")
    if len(arguments) > 3:
        raise BadInput(f"bench pathtrace: takes no '{arguments[3]}' after paths a pixel, width and height")
    from render.path_tracer import bench

    bench.run(*arguments)


def motion(*arguments: str) -> None:
    """Learned motion against captures and baselines, by the frozen evaluator and by geometry."""
    from cinemotion import bench_prior

    bench_prior.run(*arguments)


def retarget(*folders: str) -> None:
    """Bone directions against the source's own kinematics, foot skate, time; and the time to pose the body."""
    from cinemotion import formats
    from mocap_data.deepmimic import bundled
    from motion import body
    from motion.retarget import report

    for folder in folders:
        if not Path(folder).is_dir():
            raise BadInput(f"bench retarget: {folder} is not a folder")
    ours = body.Body.default()
    _say(
        f"skinning {len(ours.mesh.vertices)} vertices and normals: {1e3 * body.seconds_per_frame(ours):.2f} ms a frame"
    )
    rows = []
    for folder in folders or ("",):
        files = sorted(bundled().values()) if not folder else Path(folder)
        name = "pybullet wheel" if not folder else None
        row = report.sweep(files, formats.load, name=name, rest_offsets=ours.rest_offsets)
        rows.append(row)
    _say(report.table(rows))
    for row in rows:
        for refused in row.refused:
            _say(f"  {row.name}: refused {refused}")


def physics(*arguments: str) -> None:
    """Clean-up of captures, planted faults, retargets and generated motion: every pass, gate off and on."""
    from cinemotion import bench_physics

    bench_physics.run(*arguments)


def camera(*arguments: str) -> None:
    """Static, rule, policy, greedy and planners on held-out episodes."""
    from cinemotion import bench_camera

    bench_camera.run(*arguments)


def camera_env() -> None:
    """Environment steps a second, the Stable-Baselines3 adapter's cost, PPO end to end."""
    from rl_camera import bench_env

    bench_env.measure(_say)


def refine(*arguments: str) -> None:
    """The refiner beside its rivals, and beside path tracing in the same time."""
    from cinemotion import bench_refine

    bench_refine.run(*arguments)


def formats(*folders: str) -> None:
    """Every capture below a folder, loaded or refused and why; the largest BVH read by turns with pybvh."""
    from mocap_data import bench
    from mocap_data.deepmimic import bundled

    wheel = [str(path.parent) for path in bundled().values()][:1]
    for folder in folders or wheel:
        bench.run(folder)


SUBJECTS: dict[str, Callable[..., None]] = {
    "render": render, "pathtrace": pathtrace, "motion": motion, "retarget": retarget, "physics": physics,
    "camera": camera, "camera-env": camera_env, "refine": refine, "formats": formats,
}  # fmt: skip


def run(subject: str, arguments: Sequence[str] = ()) -> None:
    """Measure one subject and print its table.

    Raises:
        BadInput: an unknown subject or argument.
    """
    if subject not in SUBJECTS:
        raise unknown("bench", subject, SUBJECTS)
    if arguments and subject == "camera-env":
        raise BadInput(f"bench camera-env: takes no '{arguments[0]}'")
    SUBJECTS[subject](*arguments)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
