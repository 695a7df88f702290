"""`cinemotion clean --strip`: a clip before and after clean-up as stick figures, their feet close up, what was decided.

draw([Case("walk, floating", before, after, told)], Path("strip.png"))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ImageDraw
from scipy.spatial import ConvexHull, QhullError

from cinemotion.axes import GRID, INK, OVER, PAPER, font, pale, picture, save
from motion import edit, skeleton
from motion.clip import Clip
from motion.errors import BadInput
from motion.rotations import Array
from physics.report import PerformerReport
from physics.series import runs
from physics.soles import Soles

#: Left, right and middle as on contact sheets; what is wrong.
_LEFT, _RIGHT, _MIDDLE, _WRONG = "#1f6fd0", "#d0581f", "#444444", "#e01010"
#: What was kept of a segment, in words, and its colour.
KEPT = {
    "dynamics": ("performed with weight", "#5b4fb5"),
    "kinematic": ("feet put down and held", "#2a9d4a"),
    "grounding": ("put on the ground", "#7fc08f"),
    "learned": ("poses calmed", "#c98a1b"),
    "input": ("left as it was", "#b8b8b8"),
}
#: Pixels: the picture's width, its margin for names, height of figures, of feet, of the bars, of the title.
_WIDTH, _MARGIN, _BODY, _FEET, _BARS, _TITLE = 1240, 64, 150, 74, 64, 46
#: Metres that figures and feet take from floor to top; how far feet are looked at beside each other.
_TALL, _LOW, _WIDE = 2.0, 0.26, 0.9
#: Soles nearer to the floor than this rest on it, metres (the tolerance of PhysDiff's readings).
_NEAR = 0.005
#: A standing foot that moves faster than this slides, m/s.
_SLIDES = 0.08
_POSES = 9


@dataclass(frozen=True)
class Case:
    """One clip on one strip."""

    title: str
    before: Clip
    after: Clip
    told: PerformerReport
    soles: Soles | None = None  # of the performer's body; None: by the skeleton


def check(out: Path) -> None:
    """Refuse what is no picture, in a folder that is not there.

    Raises:
        BadInput: names the file.
    """
    if out.suffix.lower() not in (".png", ".jpg"):
        raise BadInput(f"{out}: a strip is written to a .png or .jpg file")
    if not out.parent.is_dir():
        raise BadInput(f"{out}: the folder {out.parent} does not exist")


def draw(cases: Sequence[Case], out: Path) -> None:
    """Strips below each other.

    Each shows figures at equal steps of time from the side, before and after, both about the place where the input's
    pelvis is; their feet close up; red is a foot that is in the floor, off it, or slides while it should stand. Under
    them, when each foot stands and what was kept of each second.

    Args:
        cases: clips, and what was made of them.
        out: a ``.png`` or ``.jpg`` file.

    Raises:
        BadInput: as `check`.
    """
    check(out)
    height = _TITLE + 2 * (_BODY + _FEET) + _BARS
    image = picture(_WIDTH, height * len(cases))
    for k, case in enumerate(cases):
        _Strip(ImageDraw.Draw(image), k * height, case).draw()
    save(image, out)


class _Strip:
    def __init__(self, pen: ImageDraw.ImageDraw, top: int, case: Case) -> None:
        self.pen, self.top, self.case = pen, top, case
        clip = case.before
        self.frames = np.linspace(0, clip.frames - 1, min(_POSES, clip.frames)).round().astype(int)
        self.column = (_WIDTH - _MARGIN - 8) / len(self.frames)
        # From the side of where they go, or from the front right of where they look: the floor is a level line.
        way = clip.root_position[-1] - clip.root_position[0]
        yaw = float(edit.heading(clip)[0])
        across = np.array([np.sin(yaw - 1.0), 0.0, np.cos(yaw - 1.0)])
        if np.hypot(way[0], way[2]) > 0.5:
            across = way * [1.0, 0.0, 1.0] / np.hypot(way[0], way[2])
        self.across = across
        self.soles = case.soles or Soles.of_skeleton(clip.rest_offsets)

    def draw(self) -> None:
        case, told = self.case, self.case.told
        self._text(_MARGIN, 6, case.title, 15)
        verdict = told.verdict().split(": ", 1)[-1].replace("³", "^3")  # the font has none
        self._text(_MARGIN, 26, verdict, 12)
        self._text(_WIDTH - 8, 8, "red: in the floor, off it, or sliding while it should stand", 11, "ra", _WRONG)
        y = _TITLE
        for name, clip in (("before", case.before), ("after", case.after)):
            self._text(8, y + _BODY - 24, name, 13)
            self._text(8, y + _BODY + _FEET - 28, "feet", 11)
            self._figures(clip, y, name == "before")
            y += _BODY + _FEET
        self._bars(y)

    def _figures(self, clip: Clip, y: int, first: bool) -> None:
        points, joints = self.soles.points(clip), clip.positions()
        wrong = self._wrong(points, clip)
        floor, ground = y + _BODY - 8, y + _BODY + _FEET - 12
        for level in (floor, ground):
            self._line([(_MARGIN, level), (_WIDTH - 8, level)], GRID if level == floor else "#999999", 1)
        for k, frame in enumerate(self.frames):
            middle = _MARGIN + (k + 0.5) * self.column
            here = self.case.before.root_position[frame]
            seen = self._seen(joints[frame] - here * [1.0, 0.0, 1.0])
            self._body(seen, (middle, floor), first, wrong[frame])
            feet = self._seen(points[frame] - here * [1.0, 0.0, 1.0])
            for side in sorted((0, 1), key=lambda s: -feet[self.soles.side == s, 2].mean()):
                self._foot(feet, seen, side, (middle, ground), first, bool(wrong[frame, side]))

    def _seen(self, points: Array) -> Array:
        """``(…, 3)`` to the right, up and away from who looks, metres."""
        away = np.array([-self.across[2], 0.0, self.across[0]])
        return np.stack([points @ self.across, points[..., 1], points @ away], axis=-1)

    def _body(self, seen: Array, at: tuple[float, float], first: bool, wrong: np.ndarray) -> None:
        scale = (_BODY - 12) / _TALL
        x, y = at[0] + seen[:, 0] * scale, at[1] - seen[:, 1] * scale
        for joint in sorted(range(1, 24), key=lambda j: -seen[j, 2]):
            name, parent = skeleton.JOINTS[joint], int(skeleton.PARENTS[joint])
            side = 0 if name.startswith("left") else 1 if name.startswith("right") else -1
            colour = (_LEFT, _RIGHT, _MIDDLE)[side]
            tint = _WRONG if side >= 0 and wrong[side] and name.endswith(("ankle", "foot")) else colour
            shown = pale(tint) if first and tint != _WRONG else tint
            self._line([(x[parent], y[parent]), (x[joint], y[joint])], shown, 2)
        head = skeleton.INDEX["head"]
        self._ring(x[head], y[head] - 5, 5, pale(_MIDDLE) if first else _MIDDLE)

    def _foot(self, feet: Array, seen: Array, side: int, at: tuple[float, float], first: bool, wrong: bool) -> None:
        """The sole and the ankle of one foot, close up."""
        scale = min((_FEET - 16) / _LOW, self.column / _WIDE)
        colour = _WRONG if wrong else (_LEFT, _RIGHT)[side]
        shown = pale(colour) if first and not wrong else colour
        name = ("left", "right")[side]
        ankle = seen[skeleton.INDEX[f"{name}_ankle"], :2]
        cloud = np.concatenate([feet[self.soles.side == side, :2], ankle[None]])
        if cloud[:, 1].min() > _LOW:
            return  # high in the air
        try:
            ring = cloud[ConvexHull(cloud).vertices]
        except QhullError:
            return
        x, y = at[0] + ring[:, 0] * scale, at[1] - np.minimum(ring[:, 1], 1.2 * _LOW) * scale
        corners = [(float(a) * OVER, (self.top + float(b)) * OVER) for a, b in zip(x, y)]
        light = tuple((3 * 255 + c) // 4 for c in _rgb(shown))
        self.pen.polygon(corners, fill=light, outline=_rgb(shown), width=2 * OVER)

    def _wrong(self, points: Array, clip: Clip) -> np.ndarray:
        """``(T, 2)`` feet that are in the floor, or off it or sliding while they should stand."""
        wrong = np.zeros((clip.frames, 2), bool)
        track = self.case.told.plants
        for side in range(2):
            mine = points[:, self.soles.side == side]
            low = mine[..., 1].min(1)
            wrong[:, side] = low < -_NEAR
            if track is not None and clip.frames > 1:
                stands = track.on[:, 2 * side : 2 * side + 2].any(1)
                step = np.linalg.norm(np.diff(mine[..., [0, 2]], axis=0), axis=-1).min(1) * float(clip.fps)
                slides = np.minimum(np.append(step, step[-1:]), np.append(step[:1], step)) > _SLIDES  # not as it lands
                wrong[:, side] |= stands & ((low > _NEAR) | slides)
        return wrong

    def _bars(self, y: int) -> None:
        """When feet stand, and what was kept, over time."""
        told, clip, fps = self.case.told, self.case.before, float(self.case.before.fps)
        last, left = max((clip.frames - 1) / fps, 1e-9), _MARGIN + 0.5 * self.column
        right = _WIDTH - 8 - 0.5 * self.column

        def at(seconds: float) -> float:  # under the figure of that time
            return left + min(seconds / last, 1.0) * (right - left)

        self._text(8, y - 2, "stands", 11)
        self._text(8, y + 18, "kept", 11)
        for side, colour in enumerate((_LEFT, _RIGHT)):
            row = y + 2 + 6 * side
            self._line([(left, row), (right, row)], GRID, 1)
            if told.plants is not None:
                for a, b in runs(np.asarray(told.plants.on[:, 2 * side : 2 * side + 2].any(1))):
                    self._line([(at(a / fps), row), (at((b - 1) / fps), row)], colour, 4)
        for segment in told.segments:
            words, colour = KEPT.get(segment.kept, (segment.kept, _MIDDLE))
            x0, x1 = at(segment.start_s), at(segment.stop_s)
            box = [v * OVER for v in (x0 + 1, self.top + y + 16, x1 - 1, self.top + y + 34)]
            self.pen.rectangle(box, fill=colour)
            room = (x1 - x0 - 8) * OVER
            said = next((w for w in (words, segment.kept) if self.pen.textlength(w, font=font(11)) < room), "")
            self.pen.text((box[0] + 4 * OVER, box[1] + 2 * OVER), said, fill=PAPER, font=font(11))
        for frame in self.frames:
            self._text(at(frame / fps), y + 37, f"{frame / fps:.1f} s", 10, "ma")

    # ---- pens that know where this strip begins

    def _text(self, x: float, y: float, text: str, size: int, anchor: str = "la", colour: str = INK) -> None:
        self.pen.text((x * OVER, (self.top + y) * OVER), text, fill=colour, font=font(size), anchor=anchor)

    def _line(self, points: Sequence[tuple[float, float]], colour: str | tuple[int, ...], width: int) -> None:
        self.pen.line([(x * OVER, (self.top + y) * OVER) for x, y in points], fill=colour, width=width * OVER)

    def _ring(self, x: float, y: float, radius: float, colour: str | tuple[int, ...]) -> None:
        y += self.top
        box = [(x - radius) * OVER, (y - radius) * OVER, (x + radius) * OVER, (y + radius) * OVER]
        self.pen.ellipse(box, outline=colour, width=2 * OVER)


def _rgb(colour: str | tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5)) if isinstance(colour, str) else colour
