"""`cinemotion bench physics`: clean-up of captures, planted faults, retargets and generated motion."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cinemotion.strip import Case
from motion.clip import Clip
from motion.errors import BadInput, CinemotionError, did_you_mean
from motion.files import whole
from motion.take import Take

#: Of each folder so many captures are taken, evenly spread, and of each so many seconds.
CLIPS, SECONDS = 24, 10.0
#: What the prior is asked for: so many of the frozen prompts that it knows, spread over their list; seconds of each.
PROMPTS, PROMPT_S = 12, 4.0
#: Kinds of input besides captures as they are and planted faults.
RETARGETS, GENERATED = "retargets", "generated"
DYNAMICS, LEARNED = "dynamics", "learned"
#: What a report says of clips that stand.
NOTHING = "nothing to mend"
#: Whom captures are retargeted onto: short with short legs, tall and slim, usual.
BODIES: tuple[dict[str, Any], ...] = (
    {"height_m": 1.15, "age": "child"},
    {"height_m": 1.95, "build": "slim", "presentation": "masculine"},
    {"height_m": 1.58, "build": "heavy", "presentation": "feminine"},
)


#: What a picture shows: a capture, the fault planted in it with its seed, and whether bodies with weight perform it.
SHOWN: tuple[tuple[str, str, int, bool], ...] = (
    ("walk", "float", 1, False),
    ("kick", "slide", 8, False),
    ("jump", "noise", 1, True),
)
#: And the first capture that is left as it was, as it is or with one of these.
LEFT = ("clean", "noise", "tilt")


@dataclass(frozen=True)
class Asked:
    """What a command line asks for."""

    kinds: tuple[str, ...] = ()  # (): all
    dynamics: bool = False
    learned: bool = False
    folders: tuple[Path, ...] = ()  # (): the pybullet captures
    report: Path | None = None  # JSON
    picture: Path | None = None  # PNG or JPEG: strips of `SHOWN`, instead of tables
    weights: str = "base"


def read(arguments: tuple[str, ...]) -> Asked:
    """Sort out arguments, in any order: kinds of input, passes, folders, a .json to write, weights, a picture.

    Raises:
        BadInput: one of them is none of these.
    """
    from motion.prior import weights
    from physics.bench import CLEAN
    from physics.faults import KINDS

    known = (CLEAN, *KINDS, RETARGETS, GENERATED)
    kinds, folders, report, picture, name = [], [], None, None, "base"
    for text in arguments:
        path = Path(text).expanduser()
        if text in known:
            kinds.append(text)
        elif text in (DYNAMICS, LEARNED):
            continue
        elif text.endswith(".json"):
            report = path
        elif path.suffix.lower() in (".png", ".jpg"):
            picture = path
        elif text in weights.FAMILIES or text.endswith(weights.SUFFIX):
            name = text
        elif path.is_dir():
            folders.append(path)
        else:
            words = (*known, DYNAMICS, LEARNED)
            raise BadInput(
                f"bench physics: '{text}' is not a folder{did_you_mean(text, words)}; expected folders of captures, a "
                f".json to write, or some of {', '.join(words)}"
            )
    passes = DYNAMICS in arguments, LEARNED in arguments
    return Asked(tuple(kinds), *passes, tuple(folders), report, picture, name)


def run(*arguments: str) -> None:
    """Print a table for each kind of input; what cannot be read is left out and said."""
    asked = read(arguments)
    if asked.picture is not None:
        return show(asked.picture)
    from motion.body import Body
    from physics import bench
    from physics.faults import KINDS

    body = Body.default()
    wanted = asked.kinds or (bench.CLEAN, *KINDS, RETARGETS, GENERATED)
    faults = [kind for kind in wanted if kind not in (RETARGETS, GENERATED)]
    samples: list[bench.Sample] = []
    takes = _takes(asked.folders) if faults or RETARGETS in wanted else []
    if faults:
        clips = [(name, _short(_carried(take, body.rest_offsets))) for name, take in takes]
        samples += bench.planted(clips, body, faults)
    if RETARGETS in wanted:
        samples += bench.as_found(RETARGETS, _retargets(takes))
    if GENERATED in wanted:
        samples += bench.as_found(GENERATED, ((name, clip, body) for name, clip in _generated(asked.weights)))
    rows = bench.sweep(samples, asked.dynamics, _progress, asked.learned)
    sys.stdout.write(bench.table(rows) + "\n")
    if asked.report is not None:
        inputs = {row.kind: row for row in rows if row.what == bench.INPUT}
        document = [row.as_dict(inputs[row.kind]) for row in rows]
        with whole(asked.report) as beside:
            beside.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def show(out: Path) -> None:
    """Strips of `SHOWN` before and after, and of a capture that is left as it was: mending would make it worse."""
    from cinemotion import strip
    from mocap_data.deepmimic import bundled
    from motion.body import Body
    from physics.soles import Soles

    strip.check(out)
    body = Body.default()
    soles = Soles.of(body)
    cases = [_case(*shown, body, soles) for shown in SHOWN]
    for fault in LEFT:
        for seed, name in enumerate(bundled()):
            case = _case(name, fault, seed, False, body, soles)
            if case.after is case.before and any(s.why != NOTHING for s in case.told.segments):
                return strip.draw([*cases, case], out)
    strip.draw(cases, out)


def _case(name: str, kind: str, seed: int, dynamics: bool, body: Any, soles: Any) -> Case:
    import mocap_data
    from motion.stage import Performance
    from physics import faults
    from physics.bench import CLEAN
    from physics.refine import refine

    clip = _carried(mocap_data.load(f"pybullet:{name}"), body.rest_offsets)
    title = f"{name.removeprefix('humanoid3d_')}, "
    if kind == CLEAN:
        title += "as it is"
    else:
        clip, fault = faults.plant(clip, kind, seed)
        size = {"m": f"{100 * fault.size:.2g} cm", "m/s": f"{100 * fault.size:.2g} cm/s"}
        title += f"{kind} of {size.get(fault.unit, f'{np.degrees(fault.size):.0f}°')}"
    (made,), report = refine([Performance(name, clip, body)], dynamics=dynamics)
    title += ", with weight" if dynamics else ""
    return Case(title, clip, made.clip, report.performers[0], soles)


def _takes(folders: tuple[Path, ...]) -> list[tuple[str, Take]]:
    from cinemotion import formats
    from mocap_data.deepmimic import bundled

    paths = [] if folders else list(bundled().values())
    for folder in folders:
        found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in formats.readable())
        count = min(CLIPS, len(found))
        paths += [found[i] for i in np.linspace(0, len(found) - 1, count).round().astype(int)]
    takes = []
    for path in paths:
        try:
            takes.append((path.stem, formats.load(path)))
        except CinemotionError as error:
            _progress(f"refused {path.name}: {error}")
    if not takes:
        raise BadInput(f"bench physics: no motion that can be read in {', '.join(map(str, folders))}")
    return takes


def _short(clip: Clip) -> Clip:
    from motion import edit

    return edit.slice(clip, 0.0, min(SECONDS, (clip.frames - 1) / float(clip.fps)))


def _carried(take: Take, rest_offsets: np.ndarray) -> Clip:
    from cinemotion.carry import carried
    from motion.retarget import retarget

    return carried(retarget(take)[0], rest_offsets)


def _retargets(takes: list[tuple[str, Take]]) -> Iterator[tuple[str, Clip, Any]]:
    """Captures on bodies of other statures and legs, joint angles as they are: no foot is held."""
    from motion.body import Body
    from motion.retarget import retarget

    for words in BODIES:
        body = Body.default(**words)
        for name, take in takes:
            clip = retarget(take, rest_offsets=body.rest_offsets, lock_feet=False)[0]
            yield f"{name} on {words['height_m']} m", _short(clip), body


def _generated(name: str) -> Iterator[tuple[str, Clip]]:
    """What the prior makes of prompts, on its own skeleton, which is the default body's; nothing holds its feet."""
    from cinemotion import acting
    from motion.prior import threads, weights
    from motion.prior.generate import generate
    from motion.prior.prompts import prompts
    from motion.prior.understand import unseen

    try:
        path = weights.find(name, "prior")
    except BadInput as error:
        _progress(f"{GENERATED}: left out ({error})")
        return
    card = weights.card_of(path)
    texts = [p.text for p in prompts() if not acting.troubles(p.text) and not unseen(acting.understood(p.text), card)]
    threads.settle()
    from motion.prior.model import Prior

    model = Prior.load(path)
    for seed, k in enumerate(np.linspace(0, len(texts) - 1, min(PROMPTS, len(texts))).round().astype(int)):
        [result] = generate(texts[k], seconds=PROMPT_S, seed=seed, retrieval="off", model=model)
        yield texts[k], result.clip


def _progress(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
