"""Training resumes to the bit, two ranks take one rank's step, a full disk loses nothing; what comes out samples."""

from __future__ import annotations

import csv
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import fields, is_dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_prior import corpus, write

from motion.corpus import Label
from motion.errors import BadInput
from motion.prior import trainer
from motion.prior.batches import Windows
from motion.prior.constraints import Constraints
from motion.prior.model import Prior
from motion.prior.request import WindowRequest
from motion.prior.task import PriorTask
from motion.prior.trainer import Settings, train
from motion.prior.words import Words

HERE = Path(__file__).parent
PROGRAM = """
import sys, torch
sys.path.insert(0, {here!r})
from tiny_prior import corpus
from motion.prior.task import PriorTask
from motion.prior.trainer import Settings, train
torch.set_num_threads(1)
run = train(PriorTask(corpus(), "tiny", frames_per_batch=240), sys.argv[1], Settings({settings}))
"""


def task() -> PriorTask:
    return PriorTask(corpus(), "tiny", frames_per_batch=240)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "checkpoint.pt", weights_only=True)["module"]


def flat(state: dict[str, torch.Tensor]) -> torch.Tensor:
    return torch.cat([value.detach().double().flatten() for value in state.values()])


def logged(folder: Path, name: str) -> list[float]:
    """A figure of the log, step by step."""
    with (folder / "log.csv").open(newline="") as file:
        return [float(row["value"]) for row in csv.DictReader(file) if row["name"] == name]


def launch(folder: Path, settings: str, **environment: str) -> subprocess.Popen[bytes]:
    """Train in another process."""
    program = folder.parent / f"{folder.name}{environment.get('RANK', '')}.py"
    program.write_text(PROGRAM.format(here=str(HERE), settings=settings))
    own = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE.parent), **environment}
    return subprocess.Popen([sys.executable, str(program), str(folder)], env=own)


def ranks(folder: Path, settings: str, count: int) -> None:
    """Train in several processes that share each batch; what torchrun sets, without its own start-up."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {"WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    processes = [launch(folder, settings, RANK=str(rank), **shared) for rank in range(count)]
    try:
        assert [process.wait(timeout=300) for process in processes] == [0] * count
    finally:
        for process in processes:
            process.kill()


def test_a_run_that_stops_and_goes_on_is_the_run_that_did_not(tmp_path: Path) -> None:
    settings = {"check_every": 10**6, "log_every": 1}
    train(task(), tmp_path / "whole", Settings(steps=6, **settings))
    # The same schedule, left in the middle as a kill would leave it.
    stopped = Settings(steps=6, save_every_s=0, **settings)

    class Enough(Exception):
        pass

    class Killed(PriorTask):
        def batch(self, step: int):
            if step == 3:
                raise Enough
            return super().batch(step)

    with pytest.raises(Enough):
        train(Killed(corpus(), "tiny", frames_per_batch=240), tmp_path / "two", stopped)
    run = train(task(), tmp_path / "two", stopped)
    assert run.steps == 6
    one, two = weights(tmp_path / "whole"), weights(tmp_path / "two")
    assert all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.slow
def test_kill_9_loses_nothing_that_was_saved(tmp_path: Path) -> None:
    train(task(), tmp_path / "whole", Settings(steps=40, check_every=10**6))
    settings = "steps=40, save_every_s=0, check_every=10**6, log_every=1"
    process = launch(tmp_path / "killed", settings)
    checkpoint = tmp_path / "killed" / "checkpoint.pt"
    deadline = time.monotonic() + 120
    while not checkpoint.is_file() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert 0 < torch.load(checkpoint, weights_only=True)["step"] <= 40
    assert launch(tmp_path / "killed", settings).wait(timeout=300) == 0
    one, two = weights(tmp_path / "whole"), weights(tmp_path / "killed")
    assert all(torch.allclose(one[name], two[name], atol=1e-5) for name in one)


def test_two_ranks_take_the_steps_of_one(tmp_path: Path) -> None:
    """Nothing may hide a lost gradient: no warm-up, no bf16; Adam is blind to its scale, which the norm sees."""
    settings = "steps=3, rate=1e-2, warm_up=1, bf16=False, check_every=10**6, log_every=1"
    ranks(tmp_path / "two", settings, 2)
    start = flat(task().module().state_dict())
    train(task(), tmp_path / "one", Settings(steps=3, rate=1e-2, warm_up=1, bf16=False, check_every=10**6, log_every=1))
    one, two = (flat(weights(tmp_path / name)) for name in ("one", "two"))
    moved = (one - start).norm()
    assert moved > 5e-3 * len(one) ** 0.5  # on average by half a step
    assert (one - two).norm() < 1e-3 * moved
    norms = [logged(tmp_path / name, "norm") for name in ("one", "two")]
    assert norms[1] == pytest.approx(norms[0], rel=1e-3)


def test_summed_gradients_lie_as_their_parameters_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fused optimiser reads both side by side: another order in memory would be another gradient."""
    import torch.distributed as group

    monkeypatch.setattr(group, "all_reduce", lambda flat: flat.mul_(2.0))  # a second rank with the same rows
    torch.manual_seed(0)
    module = torch.nn.Conv2d(3, 5, 3).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    module(torch.randn(2, 3, 8, 8)).square().sum().backward()
    alone = {name: p.grad.clone() for name, p in module.named_parameters()}
    trainer._sum_gradients(module)
    for name, p in module.named_parameters():
        torch.testing.assert_close(p.grad, 2 * alone[name])
        assert p.grad.stride() == p.stride(), name
    before = module.weight.detach().clone()
    torch.optim.AdamW([module.weight], lr=1e-2, weight_decay=0.0, fused=True).step()
    # Adam's first step goes against the sign of every gradient.
    assert torch.equal((module.weight - before).sign(), -alone["weight"].sign())


def test_ranks_talk_over_what_they_compute_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CPU run on a machine with a GPU is a CPU run."""
    import torch.distributed as group

    asked: list[str] = []
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "set_device", lambda number: asked.append(f"cuda:{number}"))
    monkeypatch.setattr(group, "is_initialized", lambda: False)
    monkeypatch.setattr(group, "init_process_group", asked.append)
    monkeypatch.setattr(group, "get_rank", lambda: 1)
    assert trainer._ranks(torch.device("cpu")) == (1, 2) and asked == ["gloo"]
    monkeypatch.setenv("LOCAL_RANK", "1")
    trainer._ranks(torch.device("cuda"))
    assert asked == ["gloo", "nccl", "cuda:1"]


def tensors(value: object) -> list[torch.Tensor]:
    """Every tensor in a value, wherever it is."""
    if isinstance(value, torch.Tensor):
        return [value]
    if is_dataclass(value):
        return [t for f in fields(value) for t in tensors(getattr(value, f.name))]
    return [t for one in value for t in tensors(one)] if isinstance(value, (tuple, list)) else []


@pytest.mark.parametrize("kind", ["prior", "inbetween"])
def test_a_batch_is_made_where_the_captures_lie(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the device without values, which refuses tensors of another one and everything that would wait for a value."""
    from motion.prior.inbetween_net import InbetweenTask

    nowhere = torch.device("meta")
    one: trainer.Task = task() if kind == "prior" else InbetweenTask(Windows(corpus()), Windows(corpus(), ("blocks",)))
    assert isinstance(one, trainer.Movable)
    module = one.module().to(nowhere)
    one.onto(nowhere)
    chance = torch.Generator  # there is none of that device
    monkeypatch.setattr(torch, "Generator", lambda device: chance())
    for step in range(8):
        with nowhere:
            batch = one.batch(step)
            terms = one.loss(module, batch, slice(0, 2))
        found = tensors(batch)
        assert len(found) > 10 and {t.device for t in found} == {nowhere}
        assert all(term.device == nowhere and term.shape == (2,) for term in terms.values())
        torch.stack([term.sum() for term in terms.values()]).sum().backward()


def test_captions_are_encoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "run" / "captions.safetensors"
    first = PriorTask(corpus(), "tiny", frames_per_batch=240, cache=file).batch(0)

    def refuse(self: object) -> None:
        raise AssertionError("the encoder was loaded")

    monkeypatch.setattr(Words, "_load", refuse)
    again = PriorTask(corpus(), "tiny", frames_per_batch=240, cache=file).batch(0)
    assert torch.equal(first.said.states, again.said.states) and first.said.states.any()


def test_a_gradient_that_is_not_finite_moves_nothing() -> None:
    weight = torch.nn.Parameter(torch.ones(3, 3))
    optimiser = torch.optim.AdamW([weight], lr=0.1, fused=True)
    for gradient, moves in ((1.0, True), (float("nan"), False), (float("inf"), False), (1.0, True)):
        before = weight.detach().clone()
        weight.grad = torch.full((3, 3), gradient)
        trainer._step(optimiser, torch.nn.utils.clip_grad_norm_([weight], 1.0))
        assert weight.isfinite().all() and torch.equal(before, weight) != moves
    assert optimiser.state[weight]["step"] == 2


def test_a_run_can_be_heard_while_it_goes_and_measured_when_it_is_over(tmp_path: Path) -> None:
    heard: list[trainer.Run] = []
    settings = Settings(steps=3, save_every_s=-1, check_every=2, warm_up=1)
    run = train(task(), tmp_path, settings, keep=heard.append)
    assert [(one.steps, bool(one.figures)) for one in heard] == [(1, False), (2, True)]
    first, second, last = (flat(one.module.state_dict()) for one in (*heard, run))
    assert not torch.equal(first, second) and not torch.equal(second, last) and not run.module.training
    # Nothing is left to train: the same weights, measured again.
    over = train(task(), tmp_path, settings)
    assert over.steps == 3 and over.figures == pytest.approx(run.figures, rel=1e-5) and run.figures.keys() >= {"body"}


def test_a_full_disk_keeps_the_checkpoint_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"check_every": 10**6, "save_every_s": 0}
    train(task(), tmp_path, Settings(steps=2, **settings))
    before = (tmp_path / "checkpoint.pt").read_bytes()
    said: list[str] = []

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(trainer.torch, "save", full)
    run = train(task(), tmp_path, Settings(steps=4, **settings), said.append)
    assert run.steps == 4
    assert (tmp_path / "checkpoint.pt").read_bytes() == before
    assert any("the one before is kept" in line for line in said)


def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(BadInput, match="not a checkpoint of this model"):
        train(task(), tmp_path, Settings(steps=1))


@pytest.mark.parametrize("budget", [{}, {"minutes": 0}, {"steps": -1}, {"minutes": float("nan")}])
def test_a_budget_is_needed(budget: dict[str, float]) -> None:
    with pytest.raises(BadInput, match="training: "):
        Settings(**budget)


def test_the_log_is_a_plain_table_and_losses_fall(tmp_path: Path) -> None:
    train(task(), tmp_path, Settings(steps=60, rate=3e-3, warm_up=5, check_every=60, log_every=5, minutes=3))
    loss = logged(tmp_path, "loss")
    assert len(loss) == 12 and loss[-1] < 0.75 * loss[0]
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    assert {"root", "body", "forward"} <= {row["name"] for row in rows if row["kind"] == "check"}


@pytest.fixture(scope="module")
def prior(tmp_path_factory: pytest.TempPathFactory) -> Prior:
    return Prior.load(write(tmp_path_factory.mktemp("weights") / "base.safetensors"))


def request(frames: int = 40, seed: int = 1, constraints: Constraints | None = None, **said: object) -> WindowRequest:
    return WindowRequest(frames, constraints or Constraints.none(frames), seed=seed, **said)


def test_a_seed_is_one_motion_alone_or_in_a_batch(prior: Prior) -> None:
    alone = prior.sample([request(seed=1, text="walks")])[0]
    first, second = prior.sample([request(seed=1, text="walks"), request(seed=2, text="walks")])
    assert np.abs(alone.positions() - first.positions()).max() < 1e-4
    assert np.abs(first.positions() - second.positions()).max() > 1e-3
    assert alone.provenance.seed == 1 and "base prior" in (alone.provenance.model or "")


def test_motion_moves_with_its_constraints(prior: Prior) -> None:
    c = Constraints.none(40)
    c.pelvis[0], c.pelvis_on[0], c.heading_on[0] = (0.0, 0.9, 0.0), True, True
    there = Constraints.none(40)
    there.pelvis[0], there.pelvis_on[0], there.heading_on[0], there.heading[0] = (5.0, 0.9, -2.0), True, True, 1.2
    here, moved = prior.sample([request(constraints=c)])[0], prior.sample([request(constraints=there)])[0]
    from motion import edit

    expected = edit.transform(here, yaw=1.2, translation=(5.0, 0.0, -2.0))
    assert np.abs(expected.positions() - moved.positions()).max() < 2e-3


def test_plan_and_words_are_told_apart(prior: Prior) -> None:
    left, right = (request(label=Label("wave", side=side), text="waves") for side in ("left", "right"))
    a, b = (prior.sample([r])[0].positions() for r in (left, right))
    assert np.abs(a - b).max() > 1e-5
    a, b = (prior.sample([r], use_plan=False)[0].positions() for r in (left, right))
    assert np.abs(a - b).max() < 1e-6


def test_an_edit_of_no_strength_gives_the_clip_back_nearly(prior: Prior, monkeypatch: pytest.MonkeyPatch) -> None:
    """With networks that take all noise for motion, what comes out is the clip under so much noise, in its place."""
    from motion import edit
    from motion.prior import features

    for stage in (prior.stages.root, prior.stages.body):
        monkeypatch.setattr(stage, "clean", lambda noisy, *told: noisy)
    c = corpus()
    rough = features.to_clip(features.track(
        torch.as_tensor(c.rotations[:40]), torch.as_tensor(c.root_position[:40]),
        torch.as_tensor(c.contacts[:40]), torch.as_tensor(c.rest_offsets),
    ))  # fmt: skip
    rough = edit.transform(rough, yaw=1.2, translation=(5.0, 0.0, -2.0))

    def off(strength: float) -> float:
        [out] = prior.sample([request(start=rough, strength=strength)])
        return float(np.linalg.norm(out.positions() - rough.positions(), axis=-1).mean())

    off_by = [off(strength) for strength in (0.0, 0.3, 1.0)]
    assert off_by[0] < 0.03 and 3 * off_by[0] < off_by[1] < off_by[2] / 2, off_by


def test_windows_of_two_lengths_are_refused(prior: Prior) -> None:
    with pytest.raises(BadInput, match="expected one length"):
        prior.sample([request(40), request(50)])
    bad = Constraints.none(40)
    bad.pelvis[3] = np.nan
    with pytest.raises(BadInput, match="frame 3 is not finite"):
        prior.sample([request(constraints=bad)])
    assert prior.sample([]) == []


def test_one_stage_trains_and_samples_too(tmp_path: Path) -> None:
    """The comparison that the docs make is between two things that run."""
    from motion import edit
    from motion.prior.one_stage import OneStage
    from motion.prior.weights import Card

    one = PriorTask(corpus(), "tiny", frames_per_batch=240, one_stage=True)
    run = train(one, tmp_path, Settings(steps=8, rate=1e-2, warm_up=1, bf16=False, check_every=10**6, log_every=1))
    loss = logged(tmp_path, "loss")
    assert loss[-1] < 0.7 * loss[0]
    card = Card("prior", "one", "MIT", config={"sizes": one.sizes})
    untrained, made = (Prior(m, corpus().rest_offsets, card) for m in (one.module(), run.module))
    made.save(tmp_path / "one.safetensors")
    again = Prior.load(tmp_path / "one.safetensors")
    assert isinstance(again.stages, OneStage)
    c, there = Constraints.none(40), Constraints.none(40)
    for one_of, place, yaw in ((c, (1.0, 0.9, 2.0), 0.0), (there, (-3.0, 0.9, 0.0), 1.2)):
        one_of.pelvis[0], one_of.pelvis_on[0], one_of.heading_on[0], one_of.heading[0] = place, True, True, yaw
    before, first, second, moved = (
        p.sample([request(constraints=k, text="walks")], steps=3)[0]
        for p, k in ((untrained, c), (made, c), (again, c), (again, there))
    )
    assert np.abs(first.positions() - second.positions()).max() < 2e-3  # half precision
    assert np.abs(first.positions() - before.positions()).max() > 5e-2
    expected = edit.transform(second, translation=(-1.0, 0.0, -2.0))
    expected = edit.transform(expected, yaw=1.2, translation=(-3.0, 0.0, 0.0))
    assert np.abs(expected.positions() - moved.positions()).max() < 2e-3
