"""Where a run's figures go: `log.csv` of (step, kind, name, value) rows, and TensorBoard when it is installed."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stable_baselines3.common.logger import KVWriter, Logger


class RunLog(KVWriter):
    """Writes to ``folder/log.csv``, going on where it ended, and to ``folder/events``. A writer of SB3's `Logger`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = (folder / "log.csv").open("a", newline="")
        self._csv = csv.writer(self._file)
        if self._file.tell() == 0:
            self._csv.writerow(["step", "kind", "name", "value"])
        self._board: Any = None
        try:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(folder / "events"))
        except ImportError:
            pass

    def logger(self) -> Logger:
        """A Stable-Baselines3 logger that writes here alone."""
        return Logger(folder=None, output_formats=[self])

    def write(self, key_values: Mapping[str, Any], key_excluded: Any = None, step: int = 0) -> None:  # type: ignore[override]
        """Figures named ``kind/name``."""
        for key, value in sorted(key_values.items()):
            if isinstance(value, str | bool):
                continue
            try:
                number = float(value)
            except (TypeError, ValueError):
                continue
            kind, _, name = key.rpartition("/")
            self._csv.writerow([step, kind or "run", name, f"{number:.6g}"])
            if self._board is not None:
                self._board.add_scalar(key, number, step)
        self._file.flush()

    def close(self) -> None:
        """Close both."""
        self._file.close()
        if self._board is not None:
            self._board.close()
