"""Training of any of the models here: minutes or steps, CPU or GPU, one process or many, and on again after a kill."""

from __future__ import annotations

import copy
import csv
import math
import os
import pickle
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from motion.errors import BadInput
from motion.files import whole


class Task(Protocol):
    """What is trained. Batches are a function of the step alone, so that a run goes on where it was killed."""

    def module(self) -> nn.Module:
        """The network, freshly initialised from a fixed seed."""
        ...

    def batch(self, step: int) -> Any:
        """Everything step ``step`` needs, all its chance included; the same on every rank."""
        ...

    def loss(self, module: nn.Module, batch: Any, rows: slice) -> dict[str, Tensor]:
        """Terms of the loss, each ``(rows,)``: one value for each row of this rank's share of the batch."""
        ...

    def rows(self, batch: Any) -> int:
        """How many rows a batch has."""
        ...

    def check(self, module: nn.Module) -> dict[str, float]:
        """Figures on held-out data; logged, never trained on. May be empty."""
        ...


@runtime_checkable
class Movable(Protocol):
    """A task whose data can lie on a GPU: batches are made and figures taken there, not on the CPU and carried over."""

    def onto(self, device: torch.device) -> None:
        """Keep the data on a device, and make batches there."""
        ...


@dataclass(frozen=True)
class Settings:
    """How a run goes. It ends at ``steps`` or after ``minutes`` of training, whichever is given and comes first."""

    minutes: float | None = None
    steps: int | None = None
    rate: float = 1.2e-3  # AdamW's peak learning rate; a third of it left the prior a third behind after 200 steps
    last_rate: float = 0.05  # share of it at the end of the cosine
    warm_up: int = 200  # steps
    weight_decay: float = 0.01
    clip: float = 1.0  # gradient norm
    average: float = 0.999  # EMA of the weights, with a warm-up
    bf16: bool = True
    save_every_s: float = 120.0
    log_every: int = 20
    check_every: int = 500
    threads: int | None = None
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.minutes is None and self.steps is None:
            raise BadInput("training: neither minutes nor steps; expected a budget")
        for name in ("minutes", "steps"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise BadInput(f"training: {name} {value}, expected more than 0")


@dataclass
class Run:
    """What a finished or interrupted run left."""

    module: nn.Module  # the averaged weights, on the CPU
    steps: int
    seconds: float  # of training, all sittings together
    figures: dict[str, float] = field(default_factory=dict)  # the last that `Task.check` gave, on rank 0


def train(
    task: Task,
    folder: str | os.PathLike[str],
    settings: Settings,
    say: Callable[[str], None] = lambda _: None,
    keep: Callable[[Run], None] = lambda _: None,
) -> Run:
    """Train, or go on training, in ``folder``: checkpoint.pt, log.csv and TensorBoard events live there.

    Under ``torchrun`` every rank computes its rows of the same batch; gradients are summed by hand over ranks, weighted
    by rows, so that two ranks take the step that one would.

    Args:
        task: what is trained; a `Movable` one has its data moved to the device.
        folder: of the run.
        settings: how it goes.
        say: told how it goes, a line at a time.
        keep: given the run so far, after each checkpoint but the last, on rank 0.

    Raises:
        BadInput: the checkpoint in ``folder`` is of another model.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    device = torch.device(settings.device)
    rank, world = _ranks(device)
    module = task.module().to(device)
    average = {name: value.detach().clone() for name, value in module.state_dict().items()}
    weights = [p for p in module.parameters() if p.ndim >= 2]
    others = [p for p in module.parameters() if p.ndim < 2]
    optimiser = torch.optim.AdamW(
        [{"params": weights, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}],
        lr=settings.rate, betas=(0.9, 0.98), fused=True,
    )  # fmt: skip
    path = folder / "checkpoint.pt"
    step, seconds = 0, 0.0
    if path.is_file():
        step, seconds = _restore(path, module, average, optimiser)
        say(f"goes on at step {step} after {seconds / 60:.1f} minutes")
    home = torch.device("cpu")  # where the data lie
    if isinstance(task, Movable) and device.type != "cpu":
        home = device
        task.onto(home)
    at_home = home if home.type != "cpu" else nullcontext()

    def figures_now() -> dict[str, float]:
        """Held-out figures of the averaged weights, taken where the data lie."""
        with at_home:
            return task.check(_averaged(module, average, home))

    figures: dict[str, float] = {}
    log = _Log(folder) if rank == 0 else None
    started, saved = time.monotonic() - seconds, time.monotonic()
    done = lambda: _progress(settings, step, time.monotonic() - started) >= 1.0
    stop = done()
    while not stop:
        progress = _progress(settings, step, time.monotonic() - started)
        for group in optimiser.param_groups:
            group["lr"] = _rate(settings, step, progress)
        with at_home:
            batch = task.batch(step)
        rows = task.rows(batch)
        if rows < world:
            raise BadInput(f"a step of {rows} rows for {world} ranks, expected a row for each; give a larger --batch")
        share = slice(rows * rank // world, rows * (rank + 1) // world)
        with device, torch.autocast(device.type, torch.bfloat16, enabled=settings.bf16):
            terms = task.loss(module, moved(batch, device), share)
        total = torch.stack([term.sum() for term in terms.values()]).sum() / rows
        total.backward()
        if world > 1:
            _sum_gradients(module)
        norm = nn.utils.clip_grad_norm_(module.parameters(), settings.clip)
        _step(optimiser, norm)
        optimiser.zero_grad(set_to_none=True)
        step += 1
        _follow(average, module, min(settings.average, (1 + step) / (10 + step)))
        if log and step % settings.log_every == 0:
            now = time.monotonic() - started
            losses = {name: float(term.detach().mean()) for name, term in terms.items()}
            log.write(step, {"seconds": now, "rate": _rate(settings, step, progress), "norm": float(norm),
                             "loss": float(total.detach()) * world, **losses})  # fmt: skip
            if step % (settings.log_every * 10) == 0:
                say(f"step {step}  {now / 60:.1f} min  " + "  ".join(f"{k} {v:.4f}" for k, v in losses.items()))
        stop = _agreed(done(), device)
        if log and (step % settings.check_every == 0 or stop):
            figures = figures_now()
            if figures:
                log.write(step, figures, kind="check")
                say(f"step {step}  " + "  ".join(f"{k} {v:.4g}" for k, v in figures.items()))
        if rank == 0 and (stop or time.monotonic() - saved > settings.save_every_s):
            _save(path, module, average, optimiser, step, time.monotonic() - started, say)
            if not stop:
                keep(Run(_averaged(module, average, torch.device("cpu")), step, time.monotonic() - started, figures))
            saved = time.monotonic()
    if log and not figures:  # the budget was spent before: nothing was left to train
        figures = figures_now()
    return Run(_averaged(module, average, torch.device("cpu")), step, time.monotonic() - started, figures)


def _step(optimiser: torch.optim.Optimizer, norm: Tensor) -> None:
    """One step, unless the gradient's norm is not finite; that is found out where it was computed, without waiting.

    ``found_inf`` is how `torch.amp.GradScaler` tells fused optimisers.
    """
    optimiser.found_inf = (~torch.isfinite(norm)).float()  # type: ignore[attr-defined]
    optimiser.step()


def moved(value: Any, device: torch.device) -> Any:
    """The same with every tensor on ``device``: tensors, and tuples, lists, dictionaries and dataclasses of them."""
    if device.type == "cpu":
        return value
    if isinstance(value, Tensor):
        return value.to(device, non_blocking=True)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: moved(getattr(value, f.name), device) for f in fields(value)})
    if isinstance(value, dict):
        return {key: moved(one, device) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(moved(one, device) for one in value)
    return value


def _ranks(device: torch.device) -> tuple[int, int]:
    """This process's rank and how many there are; joins the group when ``torchrun`` started it.

    Ranks talk over what the run computes on: NCCL between GPUs, Gloo between CPUs, also where there is a GPU beside.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        return 0, 1
    import torch.distributed as group

    if not group.is_initialized():
        group.init_process_group("nccl" if device.type == "cuda" else "gloo")
        if device.type == "cuda":
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    return group.get_rank(), world


def _sum_gradients(module: nn.Module) -> None:
    """Sum gradients over ranks in one message; each rank's loss is already divided by the rows of all."""
    import torch.distributed as group

    gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in module.parameters()]
    flat = torch.cat([g.flatten() for g in gradients])
    group.all_reduce(flat)
    at = 0
    for parameter, gradient in zip(module.parameters(), gradients):
        # As the parameter lies in memory: fused optimisers go through both side by side, whatever their strides say.
        parameter.grad = torch.empty_like(parameter).copy_(flat[at : at + gradient.numel()].view(gradient.shape))
        at += gradient.numel()


def _agreed(stop: bool, device: torch.device) -> bool:
    """Rank 0 decides when a run ends: clocks differ."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return stop
    import torch.distributed as group

    flag = torch.tensor([int(stop)], device=device)
    group.broadcast(flag, 0)
    return bool(flag.item())


def _progress(settings: Settings, step: int, seconds: float) -> float:
    """Share of the budget that is spent."""
    shares = [step / settings.steps] if settings.steps else []
    if settings.minutes:
        shares.append(seconds / (60 * settings.minutes))
    return max(shares)


def _rate(settings: Settings, step: int, progress: float) -> float:
    """Linear warm-up, then a cosine to the end of the budget."""
    low = settings.last_rate
    cosine = low + (1 - low) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    return settings.rate * min(1.0, (step + 1) / settings.warm_up) * cosine


@torch.no_grad()
def _follow(average: dict[str, Tensor], module: nn.Module, keep: float) -> None:
    values = module.state_dict()
    moving = [name for name, value in values.items() if value.is_floating_point()]
    torch._foreach_lerp_([average[n] for n in moving], [values[n] for n in moving], 1 - keep)


def _averaged(module: nn.Module, average: dict[str, Tensor], device: torch.device) -> nn.Module:
    """A copy with the averaged weights on a device; files are written from the CPU."""
    same = copy.deepcopy(module).to(device)
    same.load_state_dict(average)
    return same.eval()


def _save(path: Path, module: nn.Module, average: dict[str, Tensor], optimiser: torch.optim.Optimizer,
          step: int, seconds: float, say: Callable[[str], None]) -> None:  # fmt: skip
    """Write the checkpoint whole; a full disk loses the new one, never the old one."""
    state = {"module": module.state_dict(), "average": average, "optimiser": optimiser.state_dict(),
             "step": step, "seconds": seconds}  # fmt: skip
    try:
        with whole(path) as beside:
            torch.save(state, beside)
    except Exception as error:
        say(f"checkpoint not written at step {step}, the one before is kept: {error}")


def _restore(
    path: Path, module: nn.Module, average: dict[str, Tensor], optimiser: torch.optim.Optimizer
) -> tuple[int, float]:
    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
        module.load_state_dict(state["module"])
        for name, value in state["average"].items():
            average[name].copy_(value)
        optimiser.load_state_dict(state["optimiser"])
    except (RuntimeError, KeyError, ValueError, EOFError, OSError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0]
        raise BadInput(f"{path}: not a checkpoint of this model ({reason}); choose another folder") from error
    return int(state["step"]), float(state["seconds"])


class _Log:
    """One CSV of (step, kind, name, value) rows and the same for TensorBoard, when it is installed."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / "log.csv").open("a", newline="")
        self._csv = csv.writer(self._file)
        if self._file.tell() == 0:
            self._csv.writerow(["step", "kind", "name", "value"])
        try:
            from torch.utils.tensorboard import SummaryWriter

            self._board: Any = SummaryWriter(str(folder / "events"))
        except ImportError:
            self._board = None

    def write(self, step: int, figures: dict[str, float], kind: str = "train") -> None:
        for name, value in figures.items():
            self._csv.writerow([step, kind, name, f"{value:.6g}"])
            if self._board:
                self._board.add_scalar(f"{kind}/{name}", value, step)
        self._file.flush()
