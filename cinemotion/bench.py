"""The measurements behind the numbers that the documentation quotes, from the packages that own them.

render [ROUNDS] [SIZE …]    the rasterizer beside pyrender, in one run
motion [CORPUS] [WEIGHTS] [PART …] [REPORT.json] [card]
                            learned motion: every row of the table, keys, gaps, seams, frozen prompts, speed, and all
                            of it beside the goals; card: the headline figures go into the weights' cards
retarget [FOLDER …]         retargeting per set of captures, skinning; without a folder, the pybullet captures
physics [dynamics] [FOLDER …]
                            captures as they are and with planted faults, before and after clean-up; without a folder,
                            the pybullet captures; dynamics: also as Bullet makes bodies perform them
formats [FOLDER …]          loading every capture below a folder, BVH beside pybvh; without one, the pybullet wheel's
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from motion.errors import BadInput, unknown

#: Of each folder so many captures are taken, evenly spread, and of each so many seconds.
_PHYSICS_CLIPS, _PHYSICS_S = 24, 10.0
_DYNAMICS = "dynamics"


def render(*arguments: str) -> None:
    """All passes and the anti-aliased beauty, timed by turns with pyrender."""
    from render import bench

    for text in arguments[:1]:
        if not text.isdigit() or not 1 <= int(text) <= 10_000:
            raise BadInput(f"bench render: '{text}' rounds, expected a whole number")
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


def physics(*folders: str) -> None:
    """Clean-up of captures as they are and with planted faults: every pass, gate off and on."""
    from cinemotion import formats
    from cinemotion.carry import carried
    from mocap_data.deepmimic import bundled
    from motion import edit
    from motion.body import Body
    from motion.errors import CinemotionError
    from motion.retarget import retarget
    from physics import bench

    body = Body.default()
    dynamics, folders = _DYNAMICS in folders, tuple(f for f in folders if f != _DYNAMICS)
    paths = list(bundled().values())
    if folders:
        paths = []
        for folder in folders:
            if not Path(folder).is_dir():
                raise BadInput(f"bench physics: {folder} is not a folder")
            found = sorted(p for p in Path(folder).rglob("*") if p.suffix.lower() in formats.readable())
            paths += found[:: max(1, len(found) // _PHYSICS_CLIPS)][:_PHYSICS_CLIPS]
    clips = []
    for path in paths:
        try:
            clip = carried(retarget(formats.load(path))[0], body.rest_offsets)
        except CinemotionError as error:
            _say(f"refused {path.name}: {error}")
            continue
        clips.append((path.stem, edit.slice(clip, 0.0, min(_PHYSICS_S, (clip.frames - 1) / float(clip.fps)))))
    if not clips:
        raise BadInput(f"bench physics: no motion that can be read in {', '.join(folders)}")
    seconds = sum(c.seconds for _, c in clips)
    _say(f"{len(clips)} captures, {seconds:.0f} s, as they are and with planted faults (seeds 0 to {len(clips) - 1})")
    _say(bench.table(bench.sweep(clips, body, dynamics=dynamics)))


def formats(*folders: str) -> None:
    """Every capture below a folder, loaded or refused and why; the largest BVH read by turns with pybvh."""
    from mocap_data import bench
    from mocap_data.deepmimic import bundled

    wheel = [str(path.parent) for path in bundled().values()][:1]
    for folder in folders or wheel:
        bench.run(folder)


SUBJECTS: dict[str, Callable[..., None]] = {
    "render": render, "motion": motion, "retarget": retarget, "physics": physics, "formats": formats,
}  # fmt: skip


def run(subject: str, arguments: Sequence[str] = ()) -> None:
    """Measure one subject and print its table.

    Raises:
        BadInput: an unknown subject or argument.
    """
    if subject not in SUBJECTS:
        raise unknown("bench", subject, SUBJECTS)
    SUBJECTS[subject](*arguments)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
