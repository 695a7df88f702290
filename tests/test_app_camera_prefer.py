"""`cinemotion camera prefer`: pairs of cameras, choices to a file as they are made, and the weights that they tell."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from ruamel.yaml import YAML
from test_app_train import run
from test_camera_control import some_policy
from typer.testing import CliRunner

from cinemotion import prefer
from cinemotion.cli import app
from motion.errors import BadInput
from render.video import probe, read_frames
from rl_camera.env.config import FramingConfig
from rl_camera.env.core import Framing
from rl_camera.env.reward import COSTS, TERMS, RewardWeights
from rl_camera.pairs import ASKED, Pairs, perturbed, settings_of
from rl_camera.preferences import Preference, append, read

#: Shorter episodes, so that planners are done in a moment.
SHORT = replace(ASKED, seconds=1.0)


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    return Pairs(3, config=SHORT)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command with short episodes and small pictures; all else is as it is."""
    monkeypatch.setattr("rl_camera.pairs.ASKED", SHORT)
    monkeypatch.setattr(prefer, "HEIGHT", 36)
    monkeypatch.setattr(prefer, "_weights", lambda policy: None)


# pairs ---------------------------------------------------------------------------------------------------------


def test_a_pair_is_one_episode_filmed_in_two_ways(pairs: Pairs) -> None:
    made = [pairs.make(k) for k in range(3)]
    assert len({p.seed for p in made}) == 3
    for p in made:
        assert p.a.name != p.b.name and p.a.path.frames == p.b.path.frames == 31
        assert (p.a.path.T_world_camera != p.b.path.T_world_camera).any()
        assert np.allclose(p.a.path.T_world_camera[0], p.b.path.T_world_camera[0]), "both begin with the same camera"
        assert set(p.a.terms) == set(TERMS)
    again = pairs.make(1)
    assert (again.a.name, again.a.terms, again.b.name) == (made[1].a.name, made[1].a.terms, made[1].b.name)
    assert again.a.path.T_world_camera.tobytes() == made[1].a.path.T_world_camera.tobytes()
    assert json.loads(made[0].config) == {"keypoints": "eight", "occluders": 4, "performers": 2, "seconds": 1.0}


def test_a_name_says_who_filmed(pairs: Pairs) -> None:
    for name in ("rule", "rule 7", "cem 7"):
        assert callable(pairs.controller(name).act)
    assert pairs.controller("rule 7").settings == pairs.controller("rule 7").settings  # type: ignore[attr-defined]
    assert pairs.controller("rule 7").settings != pairs.controller("rule 8").settings  # type: ignore[attr-defined]
    for name in ("policy", "cem", "rule x", "ann"):
        with pytest.raises(BadInput, match=f"nobody films as '{name}'"):
            pairs.controller(name)


def test_a_planner_with_a_taste_films_to_it(pairs: Pairs) -> None:
    """By its own weights it scores higher than by the usual ones' planner, on average."""
    from rl_camera.control.base import rollout
    from rl_camera.control.search import CEM

    core = pairs.core
    episodes, state = pairs._sampler.draw(np.arange(16, dtype=np.uint64), np.zeros(16, np.uint64))
    own = pairs.controller("cem 5")
    judged = Framing(replace(core.config, weights=own.core.config.weights), core.table)  # type: ignore[attr-defined]
    mine, usual = (rollout(judged, who, episodes, state) for who in (own, _Usual(CEM(32, 2), core)))
    assert mine.returns.mean() > usual.returns.mean()


class _Usual:
    live = False

    def __init__(self, cem, core) -> None:  # type: ignore[no-untyped-def]
        self.cem, self.core = cem, core

    def begin(self, count: int) -> None:
        self.cem.begin(count)

    def act(self, drive):  # type: ignore[no-untyped-def]
        return self.cem.act(replace(drive, core=self.core, moment=None))


def test_other_tastes_keep_the_sum() -> None:
    for seed in range(5):
        made = perturbed(RewardWeights(), np.random.default_rng(seed))
        assert sum(getattr(made, n) for n in TERMS if n not in COSTS) == pytest.approx(1.0)
        assert made != RewardWeights()


def test_a_policy_films_too(tmp_path: Path) -> None:
    weights = some_policy(tmp_path / "p.safetensors", replace(SHORT, performers=2))
    pairs = Pairs(1, policy=weights)
    pairs.core = Framing(replace(pairs.core.config, seconds=1.0), pairs.core.table)
    assert pairs.controller("policy") is pairs.policy
    names = {n for k in range(12) for n in pairs._names(np.random.default_rng(k))}
    assert "policy" in names
    run_ = pairs._take("policy", *_one(pairs))
    assert run_.path.frames == 31 and all(np.isfinite(v) for v in run_.terms.values())
    with pytest.raises(BadInput, match="seed -1"):
        Pairs(-1)


def _one(pairs: Pairs):  # type: ignore[no-untyped-def]
    from rl_camera.env.sampling import Sampler

    return Sampler(pairs.core.config, pairs.core.table).draw(np.zeros(1, np.uint64), np.zeros(1, np.uint64))


def test_settings_are_told_without_motion_and_weights() -> None:
    assert settings_of(FramingConfig()) == "{}"
    config = FramingConfig(data=Path("x"), rigs=("drone",), weights=RewardWeights(size=0.5))
    assert json.loads(settings_of(config)) == {"data": "x", "rigs": ["drone"]}


# the command ---------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("quick")
def test_choices_are_written_as_they_are_made(tmp_path: Path) -> None:
    out = tmp_path / "c.csv"
    (tmp_path / "answers.txt").write_text("a\n\nB\n")
    done = run("camera", "prefer", out, "--pairs", "4", "--by", "ann", "--answers", tmp_path / "answers.txt")
    assert done.exit_code == 0, done.output
    assert f"{out}: 2 choices more" in done.output
    assert [(c.choice, c.who, c.seed) for c in read(out)] == [("a", "ann", 0), ("b", "ann", 1)]
    videos = sorted((tmp_path / "c_pairs").glob("*.mp4"))
    assert [v.name for v in videos] == ["pair-0.mp4", "pair-1.mp4", "pair-2.mp4"]
    assert probe(videos[0]).size == (2 * 64 + 4, 36 + 26)
    left, right = np.split(next(iter(read_frames(videos[0])))[:36].astype(float)[:, : 2 * 66], 2, axis=1)
    assert left.std() > 5 and right.std() > 5, "two real pictures"

    # It goes on where it was; what was skipped is asked again, and another person is asked all.
    done = CliRunner().invoke(app, ["camera", "prefer", str(out), "--pairs", "4", "--by", "ann"], input="s\n=\n")
    assert done.exit_code == 0 and "pair 3 of 4" in done.output and "pair 1 of 4" not in done.output
    assert [(c.choice, c.seed) for c in read(out)[2:]] == [("tie", 3)]
    done = CliRunner().invoke(
        app, ["camera", "prefer", str(out), "--pairs", "1", "--by", "bob", "--sheet"], input="q\n"
    )
    assert done.exit_code == 0 and "above (a), below (b)" in done.output and len(read(out)) == 3
    assert np.asarray(Image.open(tmp_path / "c_pairs" / "pair-0.png")).std() > 5


@pytest.mark.parametrize(
    ("words", "typed", "message"),
    [
        (("c.txt",), "", "choices are written to a .csv file"),
        (("none/c.csv",), "", "the folder none does not exist"),
        (("other.csv",), "", "no file of camera preferences"),
        (("c.csv", "--answers", "none.txt"), "", "none.txt: cannot be read"),
        (("c.csv", "--answers", "bad.txt"), "", "bad.txt, line 2: 'left', expected one of a b = s q"),
        (("c.csv", "--policy", "none.safetensors"), "", "none.safetensors"),
        (("none.csv", "--fit"), "", "none.csv: no such file"),
    ],
)
def test_bad_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], typed: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("other.csv").write_text("a,b\n")
    Path("bad.txt").write_text("a\nleft\n")
    done = CliRunner().invoke(app, ["camera", "prefer", *words], input=typed)
    assert done.exit_code == 2, done.output
    assert message in done.output and done.output.count("\n") == 1
    assert {p.name for p in tmp_path.iterdir()} == {"other.csv", "bad.txt"}


@pytest.mark.usefixtures("quick")
def test_a_wrong_answer_in_a_pipe_ends_with_its_word(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["camera", "prefer", str(tmp_path / "c.csv"), "--sheet"], input="a\nyes\n")
    assert done.exit_code == 2 and "answer 'yes', expected one of a b = s q" in done.output
    assert len(read(tmp_path / "c.csv")) == 1, "what was answered before is kept"


def test_stopped_with_control_c_all_choices_are_kept(tmp_path: Path) -> None:
    code = (
        "from dataclasses import replace; import rl_camera.pairs as p; p.ASKED = replace(p.ASKED, seconds=1.0);"
        "from cinemotion import prefer; prefer.HEIGHT = 36; prefer._weights = lambda policy: None;"
        "from cinemotion.cli import main; main()"
    )
    # A shell that starts tests in the background ignores the signal, and a child would inherit that.
    heard = signal.signal(signal.SIGINT, signal.default_int_handler)
    child = subprocess.Popen(
        [sys.executable, "-c", code, "camera", "prefer", "c.csv", "--sheet"],
        cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    signal.signal(signal.SIGINT, heard)
    assert child.stdin is not None
    child.stdin.write("b\n")
    child.stdin.flush()
    until = time.monotonic() + 120
    while not (tmp_path / "c_pairs" / "pair-1.png").exists() and time.monotonic() < until:
        time.sleep(0.1)
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    output, _ = child.communicate(timeout=60)
    assert child.returncode == 130 and output.strip().endswith("stopped")
    assert [c.choice for c in read(tmp_path / "c.csv")] == ["b"]


# what choices tell ---------------------------------------------------------------------------------------------


def test_weights_of_somebody_with_another_taste(tmp_path: Path, pairs: Pairs) -> None:
    """Real cameras, chosen between by somebody whose weights are known; the printed lines train with them."""
    taste = RewardWeights(0.05, 0.1, 0.15, 0.5, 0.05, 0.05, 0.1)
    out = tmp_path / "c.csv"
    for k in range(40):
        p = pairs.make(k)
        better = sum((-1 if n in COSTS else 1) * getattr(taste, n) * (p.a.terms[n] - p.b.terms[n]) for n in TERMS)
        choice = "tie" if abs(better) < 0.01 else "a" if better > 0 else "b"
        append(out, Preference(p.seed, p.config, p.a.name, p.b.name, p.a.terms, p.b.terms, choice, "ann"))
    done = run("camera", "prefer", out, "--fit")
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[0].startswith(f"{out}: 40 choices by 1 person")
    yaml = next(line for line in lines if line.strip().startswith("env_kwargs"))
    kwargs = YAML(typ="safe", pure=True).load(yaml)["env_kwargs"]
    assert kwargs == json.loads(lines[-1])["env_kwargs"]
    weights = FramingConfig().with_options(kwargs).weights
    assert weights.view > RewardWeights().view + 0.03, "the view counts for more"
    assert any("95 % interval" in line for line in lines)


def test_nobody_preferred_anything(tmp_path: Path) -> None:
    terms = dict.fromkeys(TERMS, 0.5)
    append(tmp_path / "c.csv", Preference(0, "{}", "rule", "cem 1", terms, terms, "tie"))
    done = run("camera", "prefer", tmp_path / "c.csv", "--fit")
    assert done.exit_code == 2 and "1 choices, none for one of the two" in done.output
