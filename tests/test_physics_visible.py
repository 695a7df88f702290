"""`physics.visible`: the shapes that are drawn are those that Bullet collides with."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import random_clip

from motion.body import Body
from motion.character import Character
from motion.errors import BadInput
from physics.humanoid import build
from physics.visible import Manikin, shapes


def test_shapes_are_closed_and_lie_on_the_body() -> None:
    body = Body.default()
    humanoid = build(body)
    pieces = shapes(humanoid)
    assert len(pieces) == sum(len(link.shapes) for link in humanoid.links)
    for (name, mesh, place), shape in zip(pieces, [s for link in humanoid.links for s in link.shapes], strict=True):
        reach = np.ptp(mesh.vertices, axis=0)
        radius, length, _ = shape.size
        expected = 2 * np.array(shape.size) if shape.kind == "box" else [2 * radius, 2 * radius, length + 2 * radius]
        assert reach == pytest.approx(np.asarray(expected), rel=0.03), name
        assert place[:3, :3] @ place[:3, :3].T == pytest.approx(np.eye(3), abs=1e-6)
        corners = mesh.vertices[mesh.faces].astype(float)
        outward = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        assert (np.einsum("fa,fa->f", outward, corners.mean(1)) >= 0).all(), name
        assert np.linalg.norm(mesh.normals, axis=1) == pytest.approx(1.0, abs=1e-4)


def test_a_manikin_is_a_character_that_stands_where_bullet_has_it() -> None:
    body = Body.default()
    figure = Manikin(body)
    assert isinstance(figure, Character) and figure.rest_offsets == pytest.approx(body.rest_offsets)
    rest, normals = figure.pose(np.tile([0.0, 0, 0, 1], (1, 24, 1)), body.rest_offsets[None, 0])
    assert rest[0] == pytest.approx(figure.mesh.vertices, abs=1e-5)
    assert abs(rest[0, :, 1].min()) < 0.01 and np.ptp(rest[0, :, 1]) == pytest.approx(1.7, abs=0.1)
    clip = random_clip(frames=2)
    posed, _ = figure.pose(clip.rotations, clip.root_position)
    humanoid = figure.humanoid
    low = humanoid.lowest(humanoid.to_links(clip.rotations), clip.root_position)
    assert posed[..., 1].min(1) == pytest.approx(low, abs=0.006)  # capsules drawn with 16 sides
    assert normals.shape == rest.shape
    assert figure.mesh.faces.max() == len(figure.mesh.vertices) - 1 and len(figure.mesh.parts) == len(humanoid.links)
    with pytest.raises(BadInput, match="expected"):
        figure.pose(clip.rotations[0], clip.root_position)
