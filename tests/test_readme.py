"""What the README shows is what happens: its Python runs, its scene is sound, its pages are there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_python_runs(capsys: pytest.CaptureFixture[str]) -> None:
    film, words, cameras = _blocks("python")
    exec(compile(film.replace("(640, 360)", "(64, 36)").replace("range(24)", "range(2)"), "README.md", "exec"), {})
    assert capsys.readouterr().out.startswith("0 ")
    exec(compile(words, "README.md", "exec"), {})
    assert capsys.readouterr().out.startswith("180 1.0 ")
    seen: dict[str, Any] = {}
    exec(compile(cameras.replace("4096", "8"), "README.md", "exec"), seen)
    assert seen["rewards"].shape == (8,) and seen["observations"].shape[0] == 8


def test_the_scene_is_sound(tmp_path: Path) -> None:
    import mocap_data
    from cinemotion.resolve import load
    from cinemotion.source import read

    (scene,) = _blocks("yaml")
    (tmp_path / "scene.yaml").write_text(scene, encoding="utf-8")
    mocap_data.save(mocap_data.load("pybullet:dance_b"), tmp_path / "my_dance.bvh")
    film, report = load(read(tmp_path / "scene.yaml"))
    assert film.frames > 24
    assert not [p for p in report.sorted if p.severity == "error"]


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{p.name}" for p in sorted((ROOT / "docs").glob("*.md")))])
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", text):
        assert (ROOT / page).parent.joinpath(target).exists(), f"{page}: {target} is not there"
