"""The set from above: who goes where, what stands there, and each shot's camera with what it sees; as one PNG.

The plan looks straight down with −Z up, so that a performer who faces +Z, as at rest, looks down the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy.spatial import ConvexHull, QhullError

from cinemotion.axes import COLOURS, GRID, INK, OVER, PAPER, Panel, font, picture, save, ticks
from cinemotion.film_shots import FilmShot, plain
from cinemotion.lettering import Notes, letters, wrapped
from motion import rotations as rot
from motion import skeleton
from motion.camera import CameraPath
from motion.errors import BadInput
from motion.rotations import Array
from motion.stage import Performance, Stage

_WIDTH, _MAP, _TOP = 1280.0, (20.0, 48.0, 860.0, 828.0), 48.0
_LEGEND = 884.0  # where it begins
#: Colours of shots; performers have `axes.COLOURS`. Numbers tell shots apart where colours come again.
SHOT_COLOURS = (
    "#7b3294", "#b8860b", "#1b7837", "#c51b7d", "#2166ac", "#8c510a", "#01665e", "#d6604d", "#4d4d4d", "#5e3c99",
    "#a6611a", "#35978f",
)  # fmt: skip
_PROP, _PROP_EDGE, _FAINT = "#e8e4da", "#a39b86", "#8a8a8a"
#: What lies farther than this from the middle of all, in metres and in typical distances, is not on the plan.
_NEAR_M, _NEAR = 25.0, 5.0
_STILL_M, _STILL_RAD = 0.05, np.radians(2.0)  # a camera that moves less stands


@dataclass(frozen=True)
class _Way:
    """Something that moves over the floor."""

    what: str  # for people
    points: Array  # (N, 2) x, z


def draw(
    out: Path,
    title: str,
    performances: Sequence[Performance],
    stage: Stage,
    camera: CameraPath,
    shots: Sequence[FilmShot],
) -> None:
    """Draw the plan of a film.

    Args:
        out: a ``.png`` file.
        title: one line.
        performances: who goes where; their ways are drawn, with arrows the way they face.
        stage: its props' footprints are drawn.
        camera: the film's.
        shots: the camera's, from `cinemotion.film_shots.shots_of`.

    Raises:
        BadInput: another suffix, or a place that cannot be written to.
    """
    if out.suffix.lower() != ".png":
        raise BadInput(f"{out}: a plan is written to a .png file")
    save(_Plan(title, performances, stage, camera, shots).drawn(), out)


class _Plan:
    def __init__(
        self,
        title: str,
        performances: Sequence[Performance],
        stage: Stage,
        camera: CameraPath,
        shots: Sequence[FilmShot],
    ) -> None:
        self.title, self.performances, self.stage, self.camera, self.shots = title, performances, stage, camera, shots
        seconds = float(camera.frames / camera.fps)
        self.times = np.linspace(0.0, seconds, max(2, min(2000, round(seconds * 12))))
        self.ways = [_Way(p.name, p.at(self.times)[1][:, [0, 2]]) for p in performances]
        self.looks = [_Way(f"shot {s.number}", camera.T_world_camera[s.first : s.stop, [0, 2], 3]) for s in shots]
        self.outlines = [(p.name, outline) for p in stage.props if (outline := self._outline(p)) is not None]
        self.region = self._region()
        self.outside = self._outside()

    def drawn(self) -> Image.Image:
        legend = self._legend_rows()
        height = max(_MAP[3] + 24, _TOP + sum(len(lines) * 15 + 5 for *_, lines in legend) + 40)
        image = picture(_WIDTH, height)
        pen = ImageDraw.Draw(image)
        title = wrapped(pen, self.title, 16, _MAP[2] - _MAP[0] - 120)
        words = title[0] + (" …" if len(title) > 1 else "") if title else ""
        pen.text((_MAP[0] * OVER, 14 * OVER), words, fill=INK, font=font(16))
        pen.text((_MAP[2] * OVER, 20 * OVER), "seen from above", fill=_FAINT, font=font(11), anchor="ra")
        image.paste(self._map(), (round(_MAP[0] * OVER), round(_MAP[1] * OVER)))
        pen.rectangle([v * OVER for v in _MAP], outline=_FAINT, width=OVER)
        self._legend(pen, legend)
        return image

    # ---- what is on it

    def _outline(self, prop: object) -> Array | None:
        """The outline ``(N, 2)`` of a prop seen from above, when the film begins."""
        from motion.props import mesh, pose
        from motion.stage import Prop

        assert isinstance(prop, Prop)
        where = pose(prop, self.performances, 0.0)
        floor = (np.asarray(mesh(prop).vertices, dtype=np.float64) @ where[:3, :3].T + where[:3, 3])[:, [0, 2]]
        try:
            return floor[ConvexHull(floor).vertices]
        except (QhullError, ValueError):  # thinner than a line
            return None

    def _region(self) -> tuple[float, float, float, float]:
        """Lowest and highest x and z of the plan."""
        ways = [*self.ways, *self.looks]
        points = np.concatenate([w.points for w in ways])
        weight = np.concatenate([np.full(len(w.points), 1 / len(w.points)) for w in ways])
        middle = np.array([_median(points[:, i], weight) for i in range(2)])
        away = np.linalg.norm(points - middle, axis=1)
        near = points[away <= max(_NEAR_M, _NEAR * _median(away, weight))]
        low, high = near.min(0), near.max(0)
        room = max(3.0, 0.5 * float((high - low).max()))
        for _, outline in self.outlines:  # a backdrop of a hundred metres does not make everything else small
            if (outline >= low - room).all() and (outline <= high + room).all():
                low, high = np.minimum(low, outline.min(0)), np.maximum(high, outline.max(0))
        size = max(3.0, float((high - low).max()) * 1.16 + 0.8)
        (x, z), wide = (low + high) / 2, (_MAP[2] - _MAP[0]) / (_MAP[3] - _MAP[1])
        return x - size * wide / 2, x + size * wide / 2, z - size / 2, z + size / 2

    def _outside(self) -> list[str]:
        """A sentence for everything that is not, or not always, on the plan."""
        x0, x1, z0, z1 = self.region
        said = []
        middle = np.array([(x0 + x1) / 2, (z0 + z1) / 2])
        props = [_Way(name, outline) for name, outline in self.outlines]
        for way in (*self.ways, *self.looks, *props):
            x, z = way.points.T
            gone = (x < x0) | (x > x1) | (z < z0) | (z > z1)
            if not gone.any() or (way in props and not gone.all()):
                continue
            beyond = way.points[gone] - middle
            far = beyond.mean(0) if gone.all() else beyond[np.argmax(np.linalg.norm(beyond, axis=1))]
            where = f"{np.linalg.norm(far):,.0f} m towards {_compass(far)}"
            part = "is outside the plan" if gone.all() else "leaves the plan"
            said.append(f"{way.what} {part}: {where}")
        return said

    # ---- the map

    def _map(self) -> Image.Image:
        width, height = _MAP[2] - _MAP[0], _MAP[3] - _MAP[1]
        image = picture(width, height)
        pen = ImageDraw.Draw(image)
        x0, x1, z0, z1 = self.region
        self.panel = Panel(pen, (0.0, 0.0, width, height), (x0, x1), (z1, z0))
        self.scale = width / (x1 - x0)  # pixels a metre
        notes = Notes(pen, (4, 4, width - 4, height - 40))
        self._grid(pen)
        for _, outline in self.outlines:
            pen.polygon(self._at(outline), fill=_PROP)
        for k, shot in enumerate(self.shots):
            self._views(image, shot, SHOT_COLOURS[k % len(SHOT_COLOURS)])
        for _, outline in self.outlines:
            pen.line([*self._at(outline), self._at(outline)[0]], fill=_PROP_EDGE, width=OVER)
        for k, way in enumerate(self.ways):
            self._way(pen, self.performances[k], way, COLOURS[k % len(COLOURS)])
        for k, way in enumerate(self.looks):
            colour = SHOT_COLOURS[k % len(SHOT_COLOURS)]
            self.panel.curve(way.points[:, 0], way.points[:, 1], colour, 2)
            (x, y), (last_x, last_y) = self._at(way.points)[0], self._at(way.points)[-1]
            for px, py, r in ((x, y, 4), (last_x, last_y, 3)):
                pen.ellipse([px - r * OVER, py - r * OVER, px + r * OVER, py + r * OVER], fill=colour)
            if self._inside(way.points[0]):
                notes.put(str(self.shots[k].number), x / OVER, y / OVER, colour, 11, badge=True)
        for k, way in enumerate(self.ways):
            [(x, y)] = self._at(way.points[:1])
            if self._inside(way.points[0]):
                notes.put(way.what, x / OVER, y / OVER, COLOURS[k % len(COLOURS)], 12)
        if len(self.outlines) <= 30:
            for name, outline in self.outlines:
                [(x, y)] = self._at(outline.mean(0)[None])
                if self._inside(outline.mean(0)):
                    notes.put(plain(name), x / OVER, y / OVER, _FAINT, 10)
        self._pointers(pen, width, height)
        self._rule(pen, width, height)
        return image

    def _at(self, points: Array) -> list[tuple[float, float]]:
        return self.panel.at(points[:, 0], points[:, 1])

    def _inside(self, point: Array) -> bool:
        x0, x1, z0, z1 = self.region
        return bool(x0 <= point[0] <= x1 and z0 <= point[1] <= z1)

    def _grid(self, pen: ImageDraw.ImageDraw) -> None:
        x0, x1, z0, z1 = self.region
        pale = "#efefef"
        for x in ticks(x0, x1, False):
            pen.line(self.panel.at([x, x], [z0, z1]), fill=GRID if x == 0 else pale, width=OVER)
        for z in ticks(z0, z1, False):
            pen.line(self.panel.at([x0, x1], [z, z]), fill=GRID if z == 0 else pale, width=OVER)

    def _way(self, pen: ImageDraw.ImageDraw, performance: Performance, way: _Way, colour: str) -> None:
        """A performer's way from a disc to a ring, with arrows the way they face, at even distances."""
        self.panel.curve(way.points[:, 0], way.points[:, 1], colour, 3)
        turns, _ = performance.at(self.times)
        pelvis = rot.rotate(turns[:, skeleton.INDEX["pelvis"]], [0.0, 0.0, 1.0])[:, [0, 2]]
        gone = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(way.points, axis=0), axis=1))])
        spacing = max(34.0 / self.scale, gone[-1] / 60)
        marks = [0, *(int(np.searchsorted(gone, s)) for s in np.arange(spacing, gone[-1], spacing)), len(gone) - 1]
        for k in dict.fromkeys(marks):
            ahead = pelvis[k] / max(float(np.linalg.norm(pelvis[k])), 1e-9)
            side, size = np.array([-ahead[1], ahead[0]]), 5.0 / self.scale
            start = way.points[k] + ahead * (size if k in (0, len(gone) - 1) else -size)
            arrow = np.stack([start + 2.4 * size * ahead, start + size * side, start - size * side])
            pen.polygon(self._at(arrow), fill=colour, outline=PAPER, width=OVER)
        for k, fill in ((-1, PAPER), (0, colour)):
            [(x, y)] = self._at(way.points[k][None])
            r = 5 * OVER
            pen.ellipse([x - r, y - r, x + r, y + r], fill=fill, outline=colour, width=2 * OVER)

    def _views(self, image: Image.Image, shot: FilmShot, colour: str) -> None:
        """What the camera sees at the shot's start and end, and fainter between."""
        poses = self.camera.T_world_camera[shot.first : shot.stop]
        turns = rot.from_matrix(poses[:, :3, :3])
        moves = np.ptp(poses[:, :3, 3], axis=0).max() > _STILL_M
        moves |= bool((rot.angle_between(turns[:1], turns) > _STILL_RAD).any() or shot.lens_mm[0] != shot.lens_mm[1])
        last = shot.stop - 1
        frames = [shot.first, last] if moves else [shot.middle]
        between = np.linspace(shot.first, last, 7)[1:-1].round().astype(int).tolist() if moves else []
        rgb = tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))
        brush = ImageDraw.Draw(image, "RGBA")  # lays its colours over what is there
        for frame, strength in [*((int(f), 0.3) for f in between), *((int(f), 1.0) for f in frames)]:
            corners = self._at(self._fan(frame))
            if strength == 1.0:
                brush.polygon(corners, fill=(*rgb, 34))
            brush.line([*corners, corners[0]], fill=(*rgb, round(200 * strength)), width=OVER, joint="curve")

    def _fan(self, frame: int) -> Array:
        """The corner and rim ``(N, 2)`` of what a frame's camera sees of the floor plan."""
        camera = self.camera
        pose = camera.T_world_camera[frame]
        ahead, up = -pose[[0, 2], 2], pose[[0, 2], 1]
        level = float(np.linalg.norm(ahead))
        heading = np.arctan2(*(ahead if level > 0.05 else up)[::-1])
        across = self.region[1] - self.region[0]
        far = float(camera.focus_m[frame]) if camera.focus_m is not None else 0.16 * across
        far = float(np.clip(far, 0.06 * across, 0.7 * across)) * max(level, 0.15)
        half = np.arctan(camera.sensor_width_mm / (2 * camera.focal_mm[frame]))
        angles = heading + np.linspace(-half, half, 9)
        place = pose[[0, 2], 3]
        return np.concatenate([place[None], place + far * np.stack([np.cos(angles), np.sin(angles)], axis=1)])

    def _pointers(self, pen: ImageDraw.ImageDraw, width: float, height: float) -> None:
        """An arrow at the border towards every performer who is never on the plan."""
        x0, x1, z0, z1 = self.region
        middle = np.array([(x0 + x1) / 2, (z0 + z1) / 2])
        for k, way in enumerate(self.ways):
            if any(self._inside(p) for p in way.points):
                continue
            away = way.points.mean(0) - middle
            unit = away / np.linalg.norm(away)
            reach = 0.46 * min((x1 - x0) / max(abs(unit[0]), 1e-9), (z1 - z0) / max(abs(unit[1]), 1e-9))
            tip, side = middle + unit * reach, np.array([-unit[1], unit[0]])
            size = 16 / self.scale
            head = np.stack([tip, tip - size * unit + 0.5 * size * side, tip - size * unit - 0.5 * size * side])
            colour = COLOURS[k % len(COLOURS)]
            pen.polygon(self._at(head), fill=colour)
            [(x, y)] = self._at((tip - 0.5 * size * unit)[None])
            words = letters(f"{way.what}, {np.linalg.norm(away):,.0f} m")
            half = pen.textlength(words, font=font(11)) / 2 + 6 * OVER
            x, y = min(max(x, half), width * OVER - half), y + (-16 if y > 40 * OVER else 16) * OVER
            pen.text((x, y), words, fill=colour, font=font(11), anchor="mm", stroke_width=2 * OVER, stroke_fill=PAPER)

    def _rule(self, pen: ImageDraw.ImageDraw, width: float, height: float) -> None:
        """Scale and axes."""
        length = ticks(0.0, (self.region[1] - self.region[0]) / 2.5, False)
        metres = next((t for t in length if t > 0), 1.0)
        left, base = 16.0, height - 16.0
        right = left + metres * self.scale
        ends = [(left, base), (right, base)]
        pen.line([(x * OVER, y * OVER) for x, y in ends], fill=INK, width=2 * OVER)
        for x in (left, right):
            pen.line([(x * OVER, (base - 4) * OVER), (x * OVER, (base + 4) * OVER)], fill=INK, width=2 * OVER)
        pen.text(((left + right) / 2 * OVER, (base - 6) * OVER), f"{metres:g} m", fill=INK, font=font(11), anchor="mb")
        x, y, arm = width - 70.0, height - 56.0, 26.0
        for dx, dy, name, anchor in ((1, 0, "+X", "lm"), (0, 1, "+Z", "mt")):
            tip = ((x + dx * arm) * OVER, (y + dy * arm) * OVER)
            pen.line([(x * OVER, y * OVER), tip], fill=INK, width=2 * OVER)
            back, wide = 7 * OVER, 4 * OVER
            pen.polygon(
                [
                    (tip[0] + dx * 3 * OVER, tip[1] + dy * 3 * OVER),
                    (tip[0] - dx * back + dy * wide, tip[1] - dy * back + dx * wide),
                    (tip[0] - dx * back - dy * wide, tip[1] - dy * back - dx * wide),
                ],
                fill=INK,
            )
            place = (tip[0] + dx * 6 * OVER, tip[1] + dy * 5 * OVER)
            pen.text(place, name, fill=INK, font=font(11), anchor=anchor)

    # ---- the legend

    def _legend_rows(self) -> list[tuple[str, str, list[str]]]:
        """Kind, colour and lines of every row."""
        measure = ImageDraw.Draw(picture(8, 8))
        room = _WIDTH - _LEGEND - 46
        rows: list[tuple[str, str, list[str]]] = []
        for k, way in enumerate(self.ways):
            rows.append(("way", COLOURS[k % len(COLOURS)], wrapped(measure, way.what, 12, room)))
        for k, shot in enumerate(self.shots):
            text = f"{shot.title}; {', '.join((*shot.facts, shot.times))}"
            rows.append((f"#{shot.number}", SHOT_COLOURS[k % len(SHOT_COLOURS)], wrapped(measure, text, 12, room)))
        if self.outlines:
            rows.append(("prop", _PROP, ["props, where the film begins"]))
        rows += [("!", INK, wrapped(measure, words, 12, room)) for words in self.outside]
        return rows

    def _legend(self, pen: ImageDraw.ImageDraw, rows: Sequence[tuple[str, str, list[str]]]) -> None:
        y = _TOP
        for kind, colour, lines in rows:
            x, middle = _LEGEND, y + 8
            if kind == "way":
                pen.line([(x * OVER, middle * OVER), ((x + 26) * OVER, middle * OVER)], fill=colour, width=3 * OVER)
                pen.ellipse([v * OVER for v in (x, middle - 5, x + 10, middle + 5)], fill=colour)
            elif kind == "prop":
                box = [v * OVER for v in (x + 3, middle - 6, x + 23, middle + 6)]
                pen.rectangle(box, fill=colour, outline=_PROP_EDGE, width=OVER)
            else:
                box = [v * OVER for v in (x + 1, middle - 8, x + 25, middle + 8)]
                pen.rounded_rectangle(box, radius=8 * OVER, fill=colour)
                words = kind.removeprefix("#")
                pen.text(((x + 13) * OVER, middle * OVER), words, fill=PAPER, font=font(11), anchor="mm")
            for line in lines:
                pen.text(((_LEGEND + 34) * OVER, y * OVER), line, fill=INK, font=font(12))
                y += 15
            y += 5


def _median(values: Array, weight: Array) -> float:
    """The weighted lower median."""
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(total, 0.5 * total[-1])])


def _compass(way: Array) -> str:
    """The nearest axis of a direction (x, z)."""
    i = int(np.argmax(np.abs(way)))
    return f"{'+' if way[i] >= 0 else '-'}{'XZ'[i]}"
