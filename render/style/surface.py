"""`Surface`: what a style asks of a frame beyond its passes: rest coordinates, flat colours, the sun's share."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from scipy.spatial import cKDTree

from motion.errors import BadInput
from render import lighting
from render.frame import Frame
from render.lighting import towards
from render.materials import GROUNDS
from render.style.noise import at_any_zoom, smoothstep
from render.view import view
from render.world import Drawable, Posed, World

LUMINANCE = np.array(lighting.LUMINANCE, np.float32)  # Rec.709
#: Passes that the looks are drawn from.
NEEDED = ("display", "diffuse", "specular", "albedo", "normal", "depth", "ids")
# How far each pattern goes from a material's first colour to its second, on average (see pattern.glsl).
_MIX = {"fabric": 0.25, "denim": 0.25, "knit": 0.25, "leather": 0.4, "rubber": 0.4, "hair": 0.5, "wood": 0.5,
        "concrete": 0.5, "grass": 0.5}  # fmt: skip
_FACES = 12  # faces looked at round the vertex nearest to a pixel


class Stagecraft:
    """What of a world never changes: its light's directions and colours, the flat colours of its surfaces."""

    def __init__(self, world: World) -> None:
        from render.rasterizer.blocks import BLOCK, fill_static

        self.world = world
        preset = world.light
        self.sun = world.sun.astype(np.float32)
        block = np.zeros((), BLOCK)
        fill_static(block, world)
        self.sun_colour = np.array(block["sun_colour"][:3])
        self.sky_light = np.array(block["sky_light"][:, :3])
        self.kickers = [
            (towards(k.azimuth, k.elevation).astype(np.float32), np.array(k.colour)) for k in preset.kickers
        ]
        self.haze, self.haze_per_m = np.array(block["haze"][:3]), float(block["haze"][3])
        self.haze_start, self.reach = float(block["reach"][0]), (float(block["reach"][1]), float(block["reach"][2]))
        self.middle = np.array(block["middle"][:2])
        self.backdrop = preset.backdrop is not None
        self.parts = 1 + max((len(d.parts) for d in world.drawables), default=1)
        self.colours, self.candidates, self.kept = self._flat_colours()
        self._reaches: dict[int, np.ndarray] = {}

    def _flat_colours(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Flat colours ``(codes, K, 3)`` of every instance and part, how many each has, and which of them are eyes."""
        world = self.world
        per_code: dict[int, list[tuple[np.ndarray, bool]]] = {}
        for drawable in world.drawables:
            for material, part in np.unique(drawable.label, axis=0):
                m = world.materials[material]
                first = np.array(m.colour)
                second = 0.62 * first if m.colour2 is None else np.array(m.colour2)
                colour = first + (second - first) * _MIX.get(m.pattern, 0.0)
                per_code.setdefault(drawable.instance * self.parts + int(part), []).append((colour, m.pattern == "eye"))
        if world.stage.ground is not None:
            g = GROUNDS[world.stage.ground]
            colour = 0.5 * (np.array(g.colour) + np.array(g.colour2))
            per_code[world.ground_instance * self.parts + 1] = [(colour, False)]
        codes = (world.ground_instance + 1) * self.parts
        most = max((len(v) for v in per_code.values()), default=1)
        table, count = np.zeros((codes, most, 3), np.float32), np.ones(codes, np.int32)
        kept = np.zeros((codes, most), bool)
        for code, entries in per_code.items():
            count[code] = len(entries)
            for i, (colour, eye) in enumerate(entries):
                table[code, i], kept[code, i] = colour, eye
        return table, count, kept

    def sky_luminance(self, n: np.ndarray) -> np.ndarray:
        """Luminance ``(…)`` of the open sky on a white matte surface with normals ``(…, 3)``."""
        c = (self.sky_light @ LUMINANCE).astype(np.float32)
        x, y, z = n[..., 0], n[..., 1], n[..., 2]
        total = c[0] + c[1] * y + c[2] * z + c[3] * x + c[4] * x * y + c[5] * y * z
        return np.maximum(total + c[6] * (3 * z * z - 1) + c[7] * x * z + c[8] * (x * x - y * y), 1e-3)

    def kick(self, n: np.ndarray) -> np.ndarray:
        """Luminance ``(…)`` of the preset's lamps without shadows on normals ``(…, 3)``, the sun's as the unit."""
        sun = max(float(self.sun_colour @ LUMINANCE), 1e-3)
        total = np.zeros(n.shape[:-1], np.float32)
        for towards_it, colour in self.kickers:
            total += np.float32(colour @ LUMINANCE / sun) * np.maximum(n @ towards_it, 0.0)
        return total

    def faces_round(self, drawable: Drawable) -> np.ndarray:
        """The faces at every vertex ``(V, 12)``, the last one repeated where there are fewer."""
        key = id(drawable.faces)
        if key not in self._reaches:
            corners = drawable.faces.reshape(-1)
            order = np.argsort(corners, kind="stable")
            start = np.searchsorted(corners[order], np.arange(len(drawable.rest) + 1))
            count = np.maximum(start[1:] - start[:-1], 1)
            step = np.minimum(np.arange(_FACES)[None], count[:, None] - 1)
            at = np.minimum(start[:-1, None] + step, len(corners) - 1)
            self._reaches[key] = (order[at] // 3).astype(np.int32)
        return self._reaches[key]


class Surface:
    """One frame's surfaces, worked out when asked for. Arrays are ``(H, W, …)`` float32 as the passes are.

    Raises:
        BadInput: a pass is missing.
    """

    def __init__(self, frame: Frame, craft: Stagecraft) -> None:
        for name in NEEDED:
            if getattr(frame, name) is None:
                raise BadInput(f"style: frame {frame.index} has no pass '{name}'; draw {', '.join(NEEDED)}")
        self.frame, self.craft, self.world = frame, craft, craft.world
        self.width, self.height = frame.size
        self.ids: np.ndarray = frame.ids  # type: ignore[assignment]
        self.instance = self.ids[..., 0]
        self.solid = self.instance > 0
        self.ground = self.instance == self.world.ground_instance
        self.thing = self.solid & ~self.ground
        self.normal: np.ndarray = frame.normal  # type: ignore[assignment]
        self.depth: np.ndarray = frame.depth  # type: ignore[assignment]
        self._view = view(frame.camera, frame.index, frame.size)

    def light(self, name: str) -> np.ndarray:
        """A pass of light with what is no number taken as black, and what is infinite as very bright."""
        return np.nan_to_num(getattr(self.frame, name), nan=0.0, posinf=64.0, neginf=0.0)

    @cached_property
    def along(self) -> np.ndarray:
        """Rays ``(H, W, 3)`` from the eye, one metre deep."""
        origin, dx, dy = (v.astype(np.float32) for v in self._view.rays())
        x, y = np.arange(self.width, dtype=np.float32) + 0.5, np.arange(self.height, dtype=np.float32) + 0.5
        return origin + x[None, :, None] * dx + y[:, None, None] * dy

    @cached_property
    def place(self) -> np.ndarray:
        """World coordinates ``(H, W, 3)``, metres."""
        return self._view.eye.astype(np.float32) + self.along * self.depth[..., None]

    @cached_property
    def footprint(self) -> np.ndarray:
        """Metres that a pixel covers across the view ``(H, W)``."""
        return self.depth / np.float32(self._view.focal_px)

    @cached_property
    def facing(self) -> np.ndarray:
        """Cosine between normal and the way to the eye ``(H, W)``."""
        length = np.sqrt(np.einsum("ijk,ijk->ij", self.along, self.along))
        return np.abs(np.einsum("ijk,ijk->ij", self.normal, self.along)) / length

    @cached_property
    def code(self) -> np.ndarray:
        """Instance and part in one number ``(H, W)``."""
        return np.minimum(self.instance * self.craft.parts + self.ids[..., 1], len(self.craft.candidates) - 1)

    @cached_property
    def flat(self) -> np.ndarray:
        """Each surface's colour without its pattern ``(H, W, 3)``, linear: of the part's materials, the one that the
        pixel is nearest to; eyes as they are."""
        albedo = self.light("albedo")
        out = self.craft.colours[self.code, 0]
        several = np.flatnonzero((self.craft.candidates[self.code] > 1) & self.solid)
        if len(several):
            code = self.code.reshape(-1)[several]
            seen = albedo.reshape(-1, 3)[several]
            colours = self.craft.colours[code]  # (n, K, 3)
            off = ((np.sqrt(colours) - np.sqrt(np.maximum(seen, 0))[:, None]) ** 2).sum(-1)
            off[np.arange(colours.shape[1])[None] >= self.craft.candidates[code][:, None]] = np.inf
            best = off.argmin(1)
            chosen = np.take_along_axis(colours, best[:, None, None], 1)[:, 0]
            eye = self.craft.kept[code, best]
            chosen[eye] = seen[eye]
            out.reshape(-1, 3)[several] = chosen
        return out

    @cached_property
    def veil(self) -> np.ndarray:
        """How much haze and backdrop hide of what is there ``(H, W)``, 0 to 1."""
        craft = self.craft
        distance = self.depth * np.sqrt(np.einsum("ijk,ijk->ij", self.along, self.along))
        clear = np.exp(-craft.haze_per_m * np.maximum(distance - craft.haze_start, 0.0))
        if craft.backdrop:
            off = self.place[..., [0, 2]] - craft.middle.astype(np.float32)
            away = smoothstep(craft.reach[0], craft.reach[1], np.hypot(off[..., 0], off[..., 1]))
            clear = np.where(self.ground, clear * (1.0 - away), clear)
        return np.where(self.solid, 1.0 - clear, 0.0).astype(np.float32)

    @cached_property
    def sunlight(self) -> np.ndarray:
        """The sun's share ``(H, W)``: about 1 where it falls straight and unhidden, 0 in the shade, below 0 in corners
        that the sky does not reach. On the ground, which is flat, 1 wherever it is not shaded."""
        craft = self.craft
        clear = np.maximum(1.0 - self.veil, 0.02)
        seen = self.light("diffuse") @ LUMINANCE / clear
        sky = craft.sky_luminance(self.normal)
        sun = max(float(craft.sun_colour @ LUMINANCE), 1e-3)
        full = np.where(self.ground, np.float32(sun * max(float(craft.sun[1]), 0.05)), np.float32(sun))
        t = (seen - sky) / np.maximum(full, 0.3 * sky)
        return np.where(self.solid, np.clip(t, -1.0, 1.6), 1.0).astype(np.float32)

    @cached_property
    def anchor(self) -> np.ndarray:
        """Rest coordinates ``(H, W, 3)``, metres: where on the unmoved thing a pixel's point is. Patterns in them stay
        on the surface whatever it does; the ground's are its world coordinates."""
        out = self.place.copy()
        instant = self.world.at(self.frame.time)
        for posed in instant.meshes:
            mask = self.instance == posed.drawable.instance
            if not mask.any():
                continue
            if posed.vertices is None:
                assert posed.T_world_prop is not None
                T = np.linalg.inv(posed.T_world_prop).astype(np.float32)
                out[mask] = self.place[mask] @ T[:3, :3].T + T[:3, 3]
            else:
                out[mask] = self._skinned(posed, mask)
        # Neighbours on different things must not share their chance.
        return out + self.instance[..., None].astype(np.float32) * np.float32(3.17)

    def chance(self, wavelength_px: float, channel: int, shift: float = 0.0) -> np.ndarray:
        """Noise fixed to surfaces with features of ``wavelength_px`` ``(H, W)``, −1 to 1 or so, 0 where nothing is.

        It is slow, so most pixels take it from a coarse grid; those whose grid cell shows several things do not.
        """
        step = int(np.clip(wavelength_px / 14.0, 1, 8))
        if step == 1 or min(self.width, self.height) < 2 * step:
            return self._chance_at(np.flatnonzero(self.solid), wavelength_px, channel, shift)
        rows = np.minimum(np.arange((self.height - 1) // step + 2) * step, self.height - 1)
        columns = np.minimum(np.arange((self.width - 1) // step + 2) * step, self.width - 1)
        grid = np.ix_(rows, columns)
        place, size = self.anchor[grid].reshape(-1, 3), self.footprint[grid].reshape(-1)
        coarse = at_any_zoom(place, np.maximum(size, 1e-6) * np.float32(wavelength_px), channel, shift)
        coarse = coarse.reshape(len(rows), len(columns))
        code = np.where(self.solid, self.code, -1)
        corner = code[grid]
        one = (corner[:-1, :-1] == corner[1:, :-1]) & (corner[:-1, :-1] == corner[:-1, 1:])
        one &= corner[:-1, :-1] == corner[1:, 1:]
        # A leap of depth within one thing is an edge too.
        deep = self.depth[grid]
        low = np.minimum(np.minimum(deep[:-1, :-1], deep[1:, 1:]), np.minimum(deep[1:, :-1], deep[:-1, 1:]))
        high = np.maximum(np.maximum(deep[:-1, :-1], deep[1:, 1:]), np.maximum(deep[1:, :-1], deep[:-1, 1:]))
        one &= high < 1.06 * low
        y, x = np.divmod(np.arange(self.height), step), np.divmod(np.arange(self.width), step)
        part_y, part_x = (y[1] / step).astype(np.float32)[:, None], (x[1] / step).astype(np.float32)[None]
        rows_mixed = coarse[y[0]] * (1 - part_y) + coarse[y[0] + 1] * part_y
        out = rows_mixed[:, x[0]] * (1 - part_x) + rows_mixed[:, x[0] + 1] * part_x
        cell = np.ix_(y[0], x[0])
        trusted = one[cell] & (corner[:-1, :-1][cell] == code)
        rest = np.flatnonzero(~trusted & self.solid)
        out = np.where(self.solid, out, 0.0).astype(np.float32)
        exact = self._chance_at(rest, wavelength_px, channel, shift)
        out.reshape(-1)[rest] = exact.reshape(-1)[rest]
        return out

    def _chance_at(self, at: np.ndarray, wavelength_px: float, channel: int, shift: float) -> np.ndarray:
        out = np.zeros(self.depth.shape, np.float32)
        if len(at):
            size = self.footprint.reshape(-1)[at] * np.float32(wavelength_px)
            out.reshape(-1)[at] = at_any_zoom(self.anchor.reshape(-1, 3)[at], size, channel, shift)
        return out

    def _skinned(self, posed: Posed, mask: np.ndarray) -> np.ndarray:
        """Rest coordinates of a body's pixels ``(N, 3)``: through the face that each 2 x 2 block of pixels shows."""
        drawable, vertices = posed.drawable, posed.vertices
        assert vertices is not None
        row, column = np.nonzero(mask)
        part = self.ids[row, column, 1]
        block = ((row // 2) * ((self.width + 1) // 2) + column // 2) * self.craft.parts + part
        _, first, which = np.unique(block, return_index=True, return_inverse=True)
        place = self.place[row, column].astype(np.float64)
        face = self._face(drawable, vertices, place[first], part[first])
        return _to_rest(drawable, vertices, face)(place, which)

    def _face(self, drawable: Drawable, vertices: np.ndarray, place: np.ndarray, part: np.ndarray) -> np.ndarray:
        """The face ``(N,)`` that each of ``place (N, 3)`` lies on."""
        apart = 10.0  # metres between parts in the tree's fourth dimension: a hand on a hip is still a hand
        tree = cKDTree(np.column_stack([vertices, drawable.label[:, 1] * apart]))
        _, nearest = tree.query(np.column_stack([place, part * apart]))
        faces = self.craft.faces_round(drawable)[nearest]  # (N, 12)
        a, b, c = (vertices[drawable.faces[faces, i]].astype(np.float64) for i in range(3))
        e1, e2, d = b - a, c - a, place[:, None] - a
        d11, d12, d22 = (e1 * e1).sum(-1), (e1 * e2).sum(-1), (e2 * e2).sum(-1)
        p1, p2 = (d * e1).sum(-1), (d * e2).sum(-1)
        scale = np.maximum(d11 * d22 - d12 * d12, 1e-18)
        u, v = (d22 * p1 - d12 * p2) / scale, (d11 * p2 - d12 * p1) / scale
        off = np.abs((d * np.cross(e1, e2)).sum(-1)) / np.sqrt(scale)
        outside = np.maximum(np.maximum(-u, -v), u + v - 1.0) * np.sqrt(np.sqrt(scale))
        best = (np.maximum(outside, 0.0) + off).argmin(1)
        return np.take_along_axis(faces, best[:, None], 1)[:, 0]


def _to_rest(drawable: Drawable, vertices: np.ndarray, face: np.ndarray):  # type: ignore[no-untyped-def]
    """A function from places and the index of their face to rest coordinates, through each face's affine map."""
    corners = drawable.faces[face]
    a, e1, e2 = _frame(vertices.astype(np.float64), corners)
    ra, r1, r2 = _frame(drawable.rest.astype(np.float64), corners)
    d11, d12, d22 = (e1 * e1).sum(-1), (e1 * e2).sum(-1), (e2 * e2).sum(-1)
    scale = np.maximum(d11 * d22 - d12 * d12, 1e-18)[:, None]
    g1, g2 = (d22[:, None] * e1 - d12[:, None] * e2) / scale, (d11[:, None] * e2 - d12[:, None] * e1) / scale

    def rest(place: np.ndarray, which: np.ndarray) -> np.ndarray:
        d = place - a[which]
        u, v = (d * g1[which]).sum(-1, keepdims=True), (d * g2[which]).sum(-1, keepdims=True)
        # A sliver of a face must not throw what lies beside it far away.
        u, v = np.clip(u, -1.0, 2.0), np.clip(v, -1.0, 2.0)
        return (ra[which] + u * r1[which] + v * r2[which]).astype(np.float32)

    return rest


def _frame(points: np.ndarray, corners: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    a, b, c = (points[corners[:, i]] for i in range(3))
    return a, b - a, c - a
