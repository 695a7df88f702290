"""`Materials`: the rasterizer's surfaces as Mitsuba BSDFs: Lambert and GGX (glTF 2.0), with its patterns, exactly.

Only for compiled variants: they are written in Python, which Dr.Jit traces once. One pair serves world after world, its
tables replaced, so that nothing is compiled again; numbers that change from frame to frame are variables for the same
reason.
"""

from __future__ import annotations

import importlib
from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np

from motion.rotations import Array
from render import materials
from render.path_tracer import looks, ops
from render.path_tracer.ops import Ops

_LEAST_ALPHA = 0.02  # of GGX, as in light.glsl
#: A context's component for light of a rim light, which a floor would mirror as a white patch (ground.frag).
RIM = 2
_RIM_GLARE = 0.15


class Materials:
    """The BSDFs of one tracer: ``surface`` for everything with a mesh, ``ground``."""

    def __init__(self, mi: ModuleType) -> None:
        surface, ground = _classes(mi.variant())
        self.surface, self.ground = surface(mi.Properties()), ground(mi.Properties())

    def use(self, palette: np.ndarray, ground: str | None) -> None:
        """Another world's materials and ground."""
        self.surface.use(looks.rows(palette))
        if ground is not None:
            self.ground.use(ground)

    def look_from(self, forward: Array, focal_px: float) -> None:
        """Another camera, whose pixels average detail finer than they are: a unit vector, focal length in px."""
        for one in (self.surface, self.ground):
            one.look_from(forward, focal_px)


@lru_cache(maxsize=4)
def _classes(variant: str) -> tuple[type, type]:
    """The two classes, for the variant that is set: Mitsuba's base classes are another set for each."""
    dr: Any = importlib.import_module("drjit")
    mi: Any = importlib.import_module("mitsuba")

    assert mi.variant() == variant
    jit: Ops = ops.jit(dr)
    Float, UInt32, Vector3f, Vector4f = mi.Float, mi.UInt32, mi.Vector3f, mi.Vector4f

    def chance(p: Any) -> Any:
        """A number 0 … 1 that a place has, for choosing between two levels of detail without bands."""
        bits = dr.reinterpret_array(UInt32, p.x) ^ (dr.reinterpret_array(UInt32, p.z) * UInt32(0x9E3779B1))
        return mi.sample_tea_float32(bits, dr.reinterpret_array(UInt32, p.y), 3)

    class Pyramid:
        """A tiling picture or solid of four channels, looked up with linear interpolation at a chosen level."""

        def __init__(self, data: np.ndarray, starts: np.ndarray, axes: int) -> None:
            self.data, self.starts = Float(data.ravel()), UInt32(starts)
            self.side, self.axes, self.last = 1 << (len(starts) - 1), axes, len(starts) - 1

        def __call__(self, at: list[Any], lod: Any, active: Any) -> Any:
            """``at`` from the slowest axis to the fastest, in repeats; ``lod`` may have any value."""
            level = UInt32(dr.clip(dr.floor(lod), 0.0, float(self.last)))
            side = UInt32(self.side) >> level
            start = dr.gather(UInt32, self.starts, level, active)
            low, part = [], []
            for x in at:
                q = (x - dr.floor(x)) * Float(side) - 0.5
                whole = dr.floor(q)
                part.append(q - whole)
                low.append(UInt32(mi.Int32(whole) + mi.Int32(side)))  # not below 0 before the mask
            total = Vector4f(0.0)
            mask = side - 1
            for corner in range(1 << self.axes):
                row, weight = UInt32(0), Float(1.0)
                for i in range(self.axes):
                    up = (corner >> i) & 1
                    row = row * side + ((low[i] + up) & mask)
                    weight = weight * (part[i] if up else 1.0 - part[i])
                total += weight * dr.gather(Vector4f, self.data, start + row, active)
            return total

    class Glossy(mi.BSDF):  # type: ignore[misc]
        """Lambert under one GGX lobe; what they are made of is a subclass's."""

        rim_glare = 1.0

        def __init__(self, props: Any) -> None:
            mi.BSDF.__init__(self, props)
            sides = mi.BSDFFlags.FrontSide | mi.BSDFFlags.BackSide
            self.m_components = [mi.BSDFFlags.DiffuseReflection | sides, mi.BSDFFlags.GlossyReflection | sides]
            self.m_flags = self.m_components[0] | self.m_components[1]
            self.look_from((0.0, 0.0, -1.0), 500.0)

        def look_from(self, forward: Any, focal_px: float) -> None:
            self.forward = Vector3f(*(dr.opaque(Float, float(v)) for v in forward))
            self.spread = dr.opaque(Float, 1.0 / focal_px)

        def footprint(self, si: Any, view: Any) -> Any:
            """Metres that a pixel covers, faced; for later hits of a path, as if the ray had come from the eye."""
            return si.t * self.spread * dr.clip(-dr.dot(view, self.forward), 0.3, 1.0)

        def look(self, si: Any, view: Any, normal: Any, active: Any) -> tuple[Any, Any, Any, Any, Any]:
            """Albedo, roughness, metallic, unit shading normal, strength of the lobe."""
            raise NotImplementedError

        def point(self, si: Any, active: Any) -> Any:
            """What both evaluation and sampling need of a point, in world directions."""
            view = si.to_world(si.wi)
            # A surface seen from behind shows its other side.
            behind = dr.dot(si.n, view) < 0.0
            normal = dr.select(behind & (dr.dot(si.sh_frame.n, view) < 0.0), -si.sh_frame.n, si.sh_frame.n)
            albedo, roughness, metallic, bent, shiny = self.look(si, view, normal, active)
            frame = mi.Frame3f(bent)
            wi = frame.to_local(view)
            wi.z = dr.maximum(wi.z, 1e-3)
            wi = dr.normalize(wi)
            alpha = dr.maximum(roughness * roughness, _LEAST_ALPHA)
            f0 = (0.04 + (albedo - 0.04) * metallic) * shiny
            diffuse = albedo * (1.0 - metallic)
            glint = mi.luminance(f0 + (shiny - f0) * _fifth(1.0 - wi.z))
            share = dr.clip(glint / dr.maximum(glint + mi.luminance(diffuse), 1e-6), 0.1, 1.0)
            return frame, wi, alpha, f0, diffuse, shiny, dr.select(shiny > 0.0, share, 0.0)

        def value(self, point: Any, wo: Any, active: Any, glare: float = 1.0) -> tuple[Any, Any]:
            """BSDF times cosine, and the density of sampling ``wo``, in the bent frame."""
            _, wi, alpha, f0, diffuse, shiny, share = point
            nl, nv = wo.z, wi.z
            up = active & (nl > 0.0)
            h = dr.normalize(wi + wo)
            nh, vh = dr.maximum(h.z, 0.0), dr.maximum(dr.dot(wi, h), 0.0)
            a2 = alpha * alpha
            d = nh * nh * (a2 - 1.0) + 1.0
            spread = a2 / (dr.pi * d * d)
            gv, gl = dr.sqrt(nv * nv * (1.0 - a2) + a2), dr.sqrt(nl * nl * (1.0 - a2) + a2)
            # Height-correlated Smith (Heitz 2014), as in light.glsl.
            visible = 0.5 / dr.maximum(nl * gv + nv * gl, 1e-4)
            fresnel = f0 + (shiny - f0) * _fifth(1.0 - vh)
            value = diffuse * (dr.inv_pi * nl) + fresnel * (spread * visible * nl * glare)
            # Normals seen from this side are sampled (Heitz 2018): density G1 D / 4 cos.
            lobe = spread / (2.0 * (nv + gv))
            pdf = share * lobe + (1.0 - share) * dr.inv_pi * nl
            return value & up, dr.select(up, pdf, 0.0)

        def sample(self, ctx: Any, si: Any, sample1: Any, sample2: Any, active: Any = True) -> tuple[Any, Any]:
            point = self.point(si, active)
            frame, wi, alpha, _, _, _, share = point
            mirrored = sample1 < share
            # A spherical cap holds the visible normals of a stretched hemisphere (Dupuy and Benyoub 2023).
            stretched = dr.normalize(Vector3f(wi.x * alpha, wi.y * alpha, wi.z))
            turn = dr.two_pi * sample2.x
            z = dr.fma(1.0 - sample2.y, 1.0 + stretched.z, -stretched.z)
            r = dr.safe_sqrt(1.0 - z * z)
            sine, cosine = dr.sincos(turn)
            h = Vector3f(r * cosine, r * sine, z) + stretched
            h = dr.normalize(Vector3f(h.x * alpha, h.y * alpha, dr.maximum(h.z, 1e-7)))
            wo = dr.select(mirrored, h * (2.0 * dr.dot(wi, h)) - wi, mi.warp.square_to_cosine_hemisphere(sample2))
            value, pdf = self.value(point, wo, active)
            ok = active & (pdf > 0.0)
            bs = dr.zeros(mi.BSDFSample3f)
            bs.wo = si.to_local(frame.to_world(wo))
            bs.pdf = dr.select(ok, pdf, 0.0)
            bs.eta = 1.0
            bs.sampled_type = dr.select(
                mirrored, UInt32(+mi.BSDFFlags.GlossyReflection), UInt32(+mi.BSDFFlags.DiffuseReflection)
            )
            bs.sampled_component = dr.select(mirrored, UInt32(1), UInt32(0))
            return bs, (value / dr.maximum(pdf, 1e-12)) & ok

        def eval_pdf(self, ctx: Any, si: Any, wo: Any, active: Any = True) -> tuple[Any, Any]:
            point = self.point(si, active)
            glare = self.rim_glare if ctx.component == RIM else 1.0
            return self.value(point, point[0].to_local(si.to_world(wo)), active, glare)

        def eval(self, ctx: Any, si: Any, wo: Any, active: Any = True) -> Any:
            return self.eval_pdf(ctx, si, wo, active)[0]

        def pdf(self, ctx: Any, si: Any, wo: Any, active: Any = True) -> Any:
            return self.eval_pdf(ctx, si, wo, active)[1]

        def traverse(self, cb: Any) -> None:
            pass

    class Surface(Glossy):
        """What has triangles: patterns of solid noise fixed to them at rest."""

        def __init__(self, props: Any) -> None:
            super().__init__(props)
            self.noise = Pyramid(*looks.noise_pyramid(), axes=3)
            self.use(np.zeros((256, looks.COLUMNS), np.float32))

        def use(self, rows: np.ndarray) -> None:
            self.rows = Float(rows.ravel())

        def look(self, si: Any, view: Any, normal: Any, active: Any) -> tuple[Any, Any, Any, Any, Any]:
            material = UInt32(si.shape.eval_attribute_1("face_material", si, active) + 0.5)
            at = si.shape.eval_attribute_3("vertex_anchor", si, active)
            width = looks.COLUMNS // 4
            row = [v for i in range(width) for v in dr.gather(Vector4f, self.rows, material * width + i, active)]
            foot = self.footprint(si, view) / dr.maximum(dr.dot(normal, view), 0.35)
            lod = dr.log2(dr.maximum(foot * row[11], 1e-4)) - 0.5
            # The width of the rasterizer's array is its last axis.
            noise = self.noise([at.z * row[10], at.y * row[9], at.x * row[8]], lod + chance(si.p), active)
            seen = looks.look(row, (at.x, at.y, at.z), list(noise), foot, jit)
            bent = dr.normalize(normal + Vector3f(*seen.bend))
            return mi.Color3f(*seen.albedo), seen.roughness, seen.metallic, bent, Float(1.0)

    class GroundSurface(Glossy):
        """The ground, painted by its place in the world."""

        rim_glare = _RIM_GLARE

        def __init__(self, props: Any) -> None:
            super().__init__(props)
            self.use(next(iter(materials.GROUNDS)))

        def use(self, name: str) -> None:
            ground = materials.GROUNDS[name]
            self.tile = _tile(ground.kind)
            row = looks.ground_row(ground)

            def opaque(value: Any) -> Any:
                if isinstance(value, tuple):
                    return tuple(opaque(v) for v in value)
                return dr.opaque(Float, float(value))

            self.row = looks.GroundRow(**{k: opaque(v) for k, v in vars(row).items()})

        def look(self, si: Any, view: Any, normal: Any, active: Any) -> tuple[Any, Any, Any, Any, Any]:
            row = self.row
            u, v = si.p.x * row.per_m, si.p.z * row.per_m
            # A pixel's footprint, tiles: across the line of sight and along it.
            across = self.footprint(si, view) * row.per_m
            slope = dr.maximum(dr.abs(view.y), 1e-4)
            along = across / slope
            blur = dr.maximum(across * across, along * along * 0.1)
            lod = 0.5 * dr.log2(dr.maximum(blur, 1e-12)) + float(np.log2(materials.TILE))
            level = lod + chance(si.p)
            flat = dr.rsqrt(dr.maximum(view.x * view.x + view.z * view.z, 1e-8))
            hx, hz = dr.abs(view.x * flat), dr.abs(view.z * flat)
            wide_u, wide_v = looks.wide(u, v)
            near = list(self.tile([v, u], level, active))
            far = list(self.tile([wide_v, wide_u], level - 2.76, active))
            foot = across * hz + along * hx, across * hx + along * hz
            albedo, roughness = looks.ground_look(row, u, v, foot, near, far, jit)
            return mi.Color3f(*albedo), roughness, Float(0.0), normal, row.shiny

    def _fifth(x: Any) -> Any:
        x2 = dr.square(x)
        return x2 * x2 * x

    @lru_cache(maxsize=16)
    def _tile(kind: int) -> Pyramid:
        return Pyramid(*looks.tile_pyramid(kind), axes=2)

    return Surface, GroundSurface
