"""What a network may use of the machine: the cores that nobody else is using (`settle`), a GPU (`device`)."""

from __future__ import annotations

import os

from motion.errors import BadInput


def cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load() -> float:
    """How many processes wanted to run in the last minute, everybody's together; 0 where the system does not say."""
    try:
        return os.getloadavg()[0]
    except OSError:
        return 0.0


def free_cores() -> int:
    """Cores of this process that are not busy with others' work, at least one."""
    return max(1, min(cores(), round(cores() - load())))


def settle() -> None:
    """Give torch the free cores, unless ``OMP_NUM_THREADS`` says how many.

    On a busy machine threads wait for one another at every product: measured beside a training run on two cores, 45 s
    with two threads and 1.4 s with one. Results do not depend on the number.
    """
    if "OMP_NUM_THREADS" in os.environ:
        return
    import torch

    torch.set_num_threads(free_cores())


def used() -> int:
    """How many threads torch computes with."""
    import torch

    return torch.get_num_threads()


def device(name: str) -> str:
    """A device's name, once it is there.

    Raises:
        BadInput: torch finds no GPU.
    """
    import torch

    if name.startswith("cuda") and not torch.cuda.is_available():
        raise BadInput(f"device {name}: torch finds no GPU here; use cpu")
    return name
