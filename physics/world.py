"""`World`: one Bullet client of its own, with gravity, a floor and the stage's props; closed when left.

A fresh client per run is what makes runs repeat to the byte: Bullet warm-starts contacts and numbers bodies by history.
"""

from __future__ import annotations

from contextlib import suppress
from types import TracebackType

import numpy as np
from numpy.typing import ArrayLike

from motion import props
from motion import rotations as rot
from motion.errors import BadInput
from motion.rotations import Array
from motion.stage import Prop, Stage
from physics.bullet import pybullet
from physics.mass import GRAVITY

#: Primitives whose solid boxes are the thing itself; the others collide by their triangles.
_BOXES = ("box", "crate", "plane", "panel", "wall", "table", "chair", "bench", "steps")
#: Props nearer to the motion than this are simulated, metres: an arm's length and a fall's.
REACH_M = 1.5
#: Rays for the ground begin this far above a foot and end this far below it, metres; so many are cast at once.
FOOT_IN_M, RAY_M, _RAYS = 0.25, 4.0, 8192
#: More near props than this are refused: Bullet's client holds about 16,000 shapes, and a step would take seconds.
MOST_PROPS = 2000


class World:
    """A Bullet world in metres and seconds, Y up.

    Use it as a context: ``with World() as world: world.step()``.

    Raises:
        BadInput: a step that is not within 0.1 to 20 ms, or Bullet has no client left.
    """

    def __init__(self, step_s: float = 1.0 / 240.0, *, floor_m: float | None = 0.0, size: float = 1.0) -> None:
        """Connect.

        Args:
            step_s: seconds a step.
            floor_m: height of the floor; None: no floor.
            size: of the performers against an adult; the distance at which contacts break grows with it.
        """
        if not 1e-4 <= step_s <= 0.02:
            raise BadInput(f"physics world: steps of {step_s} s, expected 0.0001 to 0.02")
        self.client = int(pybullet.connect(pybullet.DIRECT))
        if self.client < 0:
            raise BadInput("physics world: Bullet has no client left, expected fewer worlds open at once")
        self.step_s = step_s
        self.stage_bodies: dict[int, str] = {}
        pybullet.setGravity(0.0, -GRAVITY, 0.0, physicsClientId=self.client)
        pybullet.setTimeStep(step_s, physicsClientId=self.client)
        pybullet.setPhysicsEngineParameter(
            numSolverIterations=20,  # DeepMimic takes 10; feet still creep there
            numSubSteps=0,
            deterministicOverlappingPairs=1,
            contactBreakingThreshold=0.02 * size,
            physicsClientId=self.client,
        )
        if floor_m is not None:
            plane = pybullet.createCollisionShape(
                pybullet.GEOM_PLANE, planeNormal=[0.0, 1.0, 0.0], physicsClientId=self.client
            )
            self._add("floor", plane, [0.0, floor_m, 0.0], [0.0, 0.0, 0.0, 1.0])

    def __enter__(self) -> World:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Disconnect; twice is once."""
        if self.client >= 0:
            with suppress(pybullet.error):  # Bullet has gone by itself
                pybullet.disconnect(physicsClientId=self.client)
            self.client = -1

    def step(self) -> None:
        """Advance by one step."""
        pybullet.stepSimulation(physicsClientId=self.client)

    def add_stage(self, stage: Stage, low: ArrayLike, high: ArrayLike) -> int:
        """Put the stage's standing props into the world, those near a region; returns how many.

        Props that performers carry are left out.

        Args:
            stage: the set.
            low: ``(3,)`` lowest corner of where performers go, metres.
            high: ``(3,)`` highest corner.

        Raises:
            BadInput: a prop that cannot be built, or more than `MOST_PROPS` near ones.
        """
        low, high = np.asarray(low, dtype=np.float64) - REACH_M, np.asarray(high, dtype=np.float64) + REACH_M
        near = []
        for prop in stage.props:
            if prop.attachments:
                continue
            place = np.asarray(prop.position, dtype=np.float64)
            reach = float(np.linalg.norm(np.abs(props.bounds(prop)).max(0)))
            if np.any(place + reach < low) or np.any(place - reach > high):
                continue
            corners = _corners(prop)
            if np.all(corners.max(0) >= low) and np.all(corners.min(0) <= high):
                near.append(prop)
        if len(near) > MOST_PROPS:
            raise BadInput(f"physics world: {len(near)} props near the performers, expected at most {MOST_PROPS}")
        for prop in near:
            for shape, place in self._shapes(prop):
                turn = np.asarray(prop.rotation, dtype=np.float64)
                at = np.asarray(prop.position, dtype=np.float64) + rot.rotate(turn, place)
                self._add(prop.name, shape, at, turn)
        return len(near)

    def heights(self, points: ArrayLike) -> Array:
        """Height of what lies under points ``(N, 3)``, metres ``(N,)``, by rays from a little above each of them.

        A foot up to `FOOT_IN_M` inside a thing finds its top; where nothing lies below, the point's own height less
        what a ray reaches.
        """
        points = np.asarray(points, dtype=np.float64)
        above, below = points + [0.0, FOOT_IN_M, 0.0], points - [0.0, RAY_M, 0.0]
        found = below[:, 1].copy()
        for at in range(0, len(points), _RAYS):
            part = slice(at, at + _RAYS)
            hits = pybullet.rayTestBatch(above[part].tolist(), below[part].tolist(), physicsClientId=self.client)
            hit = np.array([h[0] >= 0 for h in hits])
            found[part] = np.where(hit, [h[3][1] for h in hits], found[part])
        return found

    def _shapes(self, prop: Prop) -> list[tuple[int, Array]]:
        size = np.asarray(prop.size, dtype=np.float64)
        if prop.shape in ("sphere", "ball") and np.ptp(size) < 1e-6:
            ball = pybullet.createCollisionShape(
                pybullet.GEOM_SPHERE, radius=float(size[0]) / 2.0, physicsClientId=self.client
            )
            return [(ball, np.array([0.0, size[1] / 2.0, 0.0]))]
        mesh = props.mesh(prop)
        if prop.shape in _BOXES:
            return [
                (
                    pybullet.createCollisionShape(
                        pybullet.GEOM_BOX, halfExtents=list(np.maximum((b - a) / 2.0, 1e-3)),
                        physicsClientId=self.client,
                    ),
                    (a + b) / 2.0,
                )
                for a, b in mesh.solids
            ]  # fmt: skip
        shape = pybullet.createCollisionShape(
            pybullet.GEOM_MESH, vertices=mesh.vertices.astype(float).tolist(), indices=mesh.faces.ravel().tolist(),
            flags=pybullet.GEOM_FORCE_CONCAVE_TRIMESH, physicsClientId=self.client,
        )  # fmt: skip
        if shape < 0:
            raise BadInput(f"prop '{prop.name}': Bullet cannot collide with its mesh of {len(mesh.faces)} triangles")
        return [(shape, np.zeros(3))]

    def _add(self, name: str, shape: int, position: ArrayLike, rotation: ArrayLike) -> None:
        body = pybullet.createMultiBody(
            0.0, shape, -1, list(np.asarray(position)), list(np.asarray(rotation)), physicsClientId=self.client
        )
        pybullet.changeDynamics(body, -1, lateralFriction=1.0, restitution=0.0, physicsClientId=self.client)
        self.stage_bodies[int(body)] = name


def _corners(prop: Prop) -> Array:
    low, high = props.bounds(prop)
    signs = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])
    local = low + signs * (high - low)
    return np.asarray(prop.position) + rot.rotate(np.asarray(prop.rotation, dtype=np.float64), local)
