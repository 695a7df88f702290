"""Fits pose correctives in SMPL's form, linear in rotation matrices, to the good deformer. Build time only."""

from __future__ import annotations

import numpy as np

from motion import rotations as rot
from motion.assets.build_deform import Deformer, blend
from motion.body import measure
from motion.rotations import Array
from motion.skeleton import INDEX, JOINTS, MIRROR

#: Joints whose correctives are compressed together; a vertex may belong to several blocks.
BLOCKS: tuple[tuple[str, ...], ...] = (
    ("spine1", "spine2", "spine3", "neck", "head"),
    ("left_collar", "left_shoulder", "left_elbow", "left_wrist", "left_hand"),
    ("right_collar", "right_shoulder", "right_elbow", "right_wrist", "right_hand"),
    ("left_hip", "left_knee", "left_ankle", "left_foot"),
    ("right_hip", "right_knee", "right_ankle", "right_foot"),
)


def sample_poses(count: int, rng: np.random.Generator) -> Array:
    """``(count, 24, 4)`` plausible and strong poses, left and right drawn apart; the judged poses weigh in too."""
    named = list(measure.named_poses().values())
    poses = np.empty((count, 24, 4))
    for i in range(count):
        if i % 4 == 0:
            pose = named[(i // 4) % len(named)].copy()
            if i % 8 == 4:  # seen from the other side too
                pose = pose[MIRROR] * [1.0, -1.0, -1.0, 1.0]
            share = rng.uniform(0.3, 1.05)
            pose = rot.from_rotvec(share * rot.to_rotvec(pose))
            jitter = rot.from_rotvec(np.radians(8) * rng.standard_normal((24, 3)))
            poses[i] = rot.multiply(pose, jitter)
            continue
        vectors = np.radians(10) * rng.standard_normal((24, 3))
        for side, s in (("left", 1.0), ("right", -1.0)):
            vectors[INDEX[f"{side}_collar"]] = np.radians([8, 10, 12]) * rng.standard_normal(3)
            # The arm points anywhere in front, beside, above and below; then turns about itself.
            aim = rng.standard_normal(3) * [1.0, 1.0, 0.8] + [0.5, -0.25, 0.35]
            swing = rot.between(np.array([s, 0, 0]), aim * [s, 1, 1])
            twist = rot.from_axis("X", np.radians(rng.uniform(-70, 70)))
            vectors[INDEX[f"{side}_shoulder"]] = rot.to_rotvec(rot.multiply(swing, twist))
            # Elbows: forward flexion about the vertical at rest, any turn of the hinge about the arm.
            hinge = rot.from_axis("X", np.radians(rng.uniform(-50, 100)))
            flexion = rot.from_axis("Y", -s * np.radians(rng.uniform(0, 145)))
            bend = rot.multiply(rot.multiply(hinge, flexion), rot.inverse(hinge))
            vectors[INDEX[f"{side}_elbow"]] = rot.to_rotvec(
                rot.multiply(bend, rot.from_axis("X", np.radians(rng.uniform(-60, 60))))
            )
            wrist = np.radians([rng.uniform(-75, 75), rng.uniform(-25, 25), rng.uniform(-70, 70)])
            vectors[INDEX[f"{side}_wrist"]] = wrist
            hip = np.radians([rng.uniform(-125, 35), rng.uniform(-35, 35), s * rng.uniform(-20, 60)])
            vectors[INDEX[f"{side}_hip"]] = hip
            vectors[INDEX[f"{side}_knee"]] = np.radians([rng.uniform(0, 145), 0, 0]) + np.radians(
                4
            ) * rng.standard_normal(3)
            vectors[INDEX[f"{side}_ankle"]] = np.radians(
                [rng.uniform(-35, 50), 10 * rng.standard_normal(), 8 * rng.standard_normal()]
            )
            vectors[INDEX[f"{side}_foot"]] = np.radians([rng.uniform(-60, 20), 0, 0])
        vectors[INDEX["neck"]] = np.radians([18, 22, 12]) * rng.standard_normal(3)
        vectors[INDEX["head"]] = np.radians([15, 18, 10]) * rng.standard_normal(3)
        for name in ("spine1", "spine2", "spine3"):
            vectors[INDEX[name]] = np.radians([14, 12, 10]) * rng.standard_normal(3)
        # Not everything at once: rest is the commonest place of most joints.
        vectors *= rng.uniform(size=(24, 1)) < 0.75
        poses[i] = rot.from_rotvec(vectors)
    return poses


def sample_weights(count: int) -> Array:
    """``(count,)`` how much each of `sample_poses` counts: the judged poses and their kin thrice."""
    return np.where(np.arange(count) % 4 == 0, 3.0, 1.0)


def features(poses: Array) -> Array:
    """SMPL's pose features ``(S, 23, 9)``: rotation matrix minus identity of every joint but the pelvis, row-major."""
    return (rot.to_matrix(poses[:, 1:]) - np.eye(3)).reshape(len(poses), 23, 9)


def relevant(weights: Array) -> np.ndarray:
    """``(V, 23)`` bool: joints whose turn may correct a vertex: those that move it, and the wrist for a forearm."""
    result = weights[:, 1:] > 0.015
    for side in ("left", "right"):
        result[:, INDEX[f"{side}_wrist"] - 1] |= weights[:, INDEX[f"{side}_elbow"]] > 0.1
    # A vertex that moves with one joint alone is corrected only where twist is spread along its bone.
    alone = (weights > 0.985).any(1)
    spread = sum(weights[:, INDEX[f"{s}_{j}"]] for s in ("left", "right") for j in ("shoulder", "elbow", "hip"))
    result[alone & (spread < 0.5)] = False
    return result


def fit(body: Deformer, rows: np.ndarray, poses: Array, ridge: float = 1e-3) -> Array:
    """Least-squares correctives ``(207, len(rows), 3)`` for the vertices ``rows``.

    Minimises, over the poses, the distance between blend skinning of the corrected rest vertex and the deformer.
    """
    phi = features(poses)
    count = len(poses)
    heavy = sample_weights(count)
    residual = np.empty((count, len(rows), 3))
    mixed = np.empty((count, len(rows), 3, 3))
    small = Deformer(
        body.vertices[rows],
        body.weights[rows],
        body.joints,
        body.pivot[rows],
        {k: v[rows] for k, v in body.along.items()},
    )
    for s, pose in enumerate(poses):
        plain, mixed[s] = blend(small.vertices, small.weights, small.joints, pose)
        residual[s] = small.pose(pose) - plain
    use = relevant(small.weights)
    result = np.zeros((23, 9, len(rows), 3))
    for pattern in np.unique(use, axis=0):
        joints = np.flatnonzero(pattern)
        members = np.flatnonzero((use == pattern).all(1))
        if not len(joints):
            continue
        f = phi[:, joints].reshape(count, -1)
        width = f.shape[1]
        pairs = (heavy[:, None, None] * f[:, :, None] * f[:, None, :]).reshape(count, width * width)
        for chunk in np.array_split(members, max(1, len(members) // 96)):
            m = mixed[:, chunk]
            gram = np.einsum("svba,svbc->svac", m, m).reshape(count, -1)
            a = (pairs.T @ gram).reshape(width, width, len(chunk), 3, 3).transpose(2, 0, 3, 1, 4)
            a = a.reshape(len(chunk), 3 * width, 3 * width)
            back = np.einsum("svba,svb->sva", m, residual[:, chunk]).reshape(count, -1)
            b = (
                ((heavy[:, None] * f).T @ back)
                .reshape(width, len(chunk), 3)
                .transpose(1, 0, 2)
                .reshape(len(chunk), 3 * width)
            )
            a += ridge * count * np.eye(3 * width)
            x = np.linalg.solve(a, b[..., None])[..., 0].reshape(len(chunk), len(joints), 9, 3)
            for i, j in enumerate(joints):
                result[j][:, chunk] = x[:, i].transpose(1, 0, 2)
    return result.reshape(207, len(rows), 3)


def mirrored(directions: Array, mirror: np.ndarray) -> Array:
    """The correctives of the mirrored body: ``(207, V, 3)``."""
    flip = np.array([-1.0, 1.0, 1.0])
    d = directions.reshape(23, 3, 3, -1, 3)[MIRROR[1:] - 1][:, :, :, mirror]
    d = d * (flip[:, None] * flip[None, :])[None, :, :, None, None] * flip
    return d.reshape(207, -1, 3)


def compress(directions: Array, poses: Array, rank: int) -> tuple[list[Array], list[Array], list[np.ndarray], Array]:
    """Low-rank blocks: each ``mix (207, K)``, ``basis (K, n, 3)``, ``rows (n,)``; and the correctives they make."""
    phi = features(poses).reshape(len(poses), 207)
    mixes, bases, rows_of = [], [], []
    rebuilt = np.zeros_like(directions)
    for block in BLOCKS:
        columns = np.concatenate([np.arange(9) + 9 * (JOINTS.index(j) - 1) for j in block])
        part = directions[columns]
        # Half a millimetre at the most in every sampled pose is not worth a row.
        felt = np.zeros(part.shape[1])
        for pose_features in phi[:240, columns]:
            felt = np.maximum(felt, np.linalg.norm(np.tensordot(pose_features, part, 1), axis=1))
        rows = np.flatnonzero(felt > 5e-4)
        part = part[:, rows].reshape(len(columns), -1)
        second = phi[:, columns].T @ phi[:, columns] / len(phi) + 1e-3 * np.eye(len(columns))
        lower = np.linalg.cholesky(second)
        u, s, vt = np.linalg.svd(lower.T @ part, full_matrices=False)
        k = min(rank, len(s))
        scale = np.abs(vt[:k]).max(1)
        mix = np.zeros((207, k))
        mix[columns] = np.linalg.solve(lower.T, u[:, :k] * s[:k]) * scale
        basis = vt[:k] / scale[:, None]
        mixes.append(mix)
        bases.append(basis.reshape(k, len(rows), 3))
        rows_of.append(rows)
        rebuilt[:, rows] += np.einsum("fk,knc->fnc", mix, bases[-1])
    return mixes, bases, rows_of, rebuilt
