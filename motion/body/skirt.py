"""`Skirt`: keeps the legs inside a skirt that skinning alone would let them walk through."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion.contacts import ADULT_LEG_M
from motion.easing import smoothstep
from motion.skeleton import INDEX

#: How a skirt spans beside a leg that holds it off: the parabola's curvature at the ridge, over the leg's own.
_SPAN = 0.28
#: Metres that cloth hangs off the skin, for a body 1.7 m tall.
_CLEAR = 0.012
#: Metres before contact in which cloth begins to give way.
_EASE = 0.05


def _eased(push: np.ndarray) -> np.ndarray:
    """A push without a jolt: begins `_EASE` before contact, with equal value and slope at both seams."""
    ease = np.float32(_EASE)
    return np.where(push < ease, np.maximum(push + ease, 0.0) ** 2 / (4 * ease), push).astype(np.float32)


@dataclass(frozen=True)
class Skirt:
    """The vertices of a skirt, and the thighs and shins that may not come through it.

    A vertex moves outwards, the way it faces, until it is past the leg; beside the leg the push falls off as a
    parabola, as cloth spans from a knee. At rest nothing moves. Nothing swings: this is clearance, not dynamics.
    """

    rows: np.ndarray  # (n,) vertices
    outwards: np.ndarray  # (3, n) float32, unit, level: away from the body's axis at rest
    loose: np.ndarray  # (n,) float32: 0 at the hips, where the skirt is held, 1 from a hand below
    bones: tuple[tuple[int, int, float, float], ...]  # (from joint, to joint, radius there, radius here), metres
    given: np.ndarray  # (bones, n) float32: the push that the rest pose would ask for

    @classmethod
    def of(cls, rest: np.ndarray, joints: np.ndarray, weights: np.ndarray, skirt: np.ndarray) -> Skirt:
        """Measure a dressed body at rest.

        Args:
            rest: ``(V, 3)`` metres.
            joints: ``(24, 3)``.
            weights: ``(V, 24)``.
            skirt: ``(n,)`` the skirt's vertices.
        """
        size = float(joints[INDEX["left_hip"], 1] - joints[INDEX["left_ankle"], 1]) / ADULT_LEG_M
        p, axis = rest[skirt], joints[INDEX["pelvis"]]
        outwards = (p - axis) * [1.0, 0.0, 1.0]
        outwards /= np.maximum(np.linalg.norm(outwards, axis=1, keepdims=True), 1e-9)
        fall = smoothstep((joints[INDEX["left_hip"], 1] - p[:, 1]) / (0.10 * size) + 0.3)
        body = np.ones(len(rest), dtype=bool)
        body[skirt] = False
        bones = []
        for side in ("left", "right"):
            for upper, lower in (("hip", "knee"), ("knee", "ankle")):
                i, j = INDEX[f"{side}_{upper}"], INDEX[f"{side}_{lower}"]
                own = rest[body & (np.argmax(weights, axis=1) == i)]
                bone = joints[j] - joints[i]
                along = (own - joints[i]) @ bone / (bone @ bone)
                across = np.linalg.norm(own - joints[i] - along[:, None] * bone, axis=1)
                ends = []
                for low, high in ((0.1, 0.6), (0.6, 1.0)):
                    ring = across[(along > low) & (along < high)]
                    # What a skirt hides is cut away: an adult's limb stands in for it.
                    ends.append(float(np.quantile(ring, 0.98)) if len(ring) > 20 else 0.065 * size)
                bones.append((i, j, ends[0] + _CLEAR * size, ends[1] + _CLEAR * size))
        plain = cls(skirt, outwards.T.astype(np.float32), fall.astype(np.float32),
                    tuple(bones), np.zeros((4, len(skirt)), np.float32))  # fmt: skip
        return cls(plain.rows, plain.outwards, plain.loose, plain.bones, plain.asked(p.T, outwards.T, joints))

    def asked(self, at: np.ndarray, out: np.ndarray, joints: np.ndarray) -> np.ndarray:
        """``(bones, n)`` float32: how far each bone would push each vertex, metres; negative: it is clear.

        Args:
            at: ``(3, n)`` vertices.
            out: ``(3, n)`` the way each faces.
            joints: ``(24, 3)``.
        """
        push = np.empty((len(self.bones), at.shape[1]), np.float32)
        at, out = at.astype(np.float32), out.astype(np.float32)
        for k, (i, j, start, end) in enumerate(self.bones):
            a, bone = joints[i].astype(np.float32)[:, None], (joints[j] - joints[i]).astype(np.float32)[:, None]
            to = at - a
            t = np.clip((bone * to).sum(0) / np.float32((bone * bone).sum()), 0.0, 1.0)
            radius = np.float32(start) + np.float32(end - start) * t
            to = t * bone - to  # from the vertex to the nearest place on the bone
            ahead = (to * out).sum(0)
            beside = np.maximum((to * to).sum(0) - ahead * ahead, 0.0)
            push[k] = ahead + radius - np.float32(_SPAN) * beside / radius
        return push

    def clear(self, planes: np.ndarray, mixed: np.ndarray, joints: np.ndarray) -> None:
        """Move the skirt's vertices in ``planes (3, S)`` off the legs, in place.

        Args:
            planes: posed vertices, metres, world.
            mixed: ``(12, S)`` their blended matrices; the first nine rows turn.
            joints: ``(24, 3)`` posed joints.
        """
        at = planes[:, self.rows]
        turn = mixed[:9, self.rows].reshape(3, 3, -1)
        out = (turn * self.outwards[None]).sum(1)
        out /= np.maximum(np.sqrt((out * out).sum(0)), np.float32(1e-6))
        asked = self.asked(at, out, joints)
        push = np.maximum(_eased(asked) - _eased(self.given), 0.0).max(0) * self.loose
        planes[:, self.rows] = at + push * out
