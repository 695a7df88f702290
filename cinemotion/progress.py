"""How far a film is: a bar with an estimate on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any


class Progress:
    """Counts steps of one stage. On a terminal a bar; elsewhere a line every tenth or every half minute.

    Args:
        what: "drawing", "encoding".
        total: steps in all; 0 prints nothing.
        done: steps that need not be done any more.
        quiet: say nothing.
    """

    def __init__(self, what: str, total: int, done: int = 0, *, unit: str = "frames", quiet: bool = False) -> None:
        self.what, self.total, self.count, self.unit = what, total, done, unit
        self._start_count = done
        self._quiet = quiet or total == 0
        self._bar: Any = None
        self._task: Any = None
        self._began = self._said_at = time.monotonic()
        self._said = done

    def __enter__(self) -> Progress:
        if not self._quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn(self.unit),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task(self.what, total=self.total, completed=self.count)
        return self

    def step(self, _: object = None) -> None:
        """One more is done."""
        self.count += 1
        if self._bar is not None:
            self._bar.update(self._task, completed=self.count)
            return
        now = time.monotonic()
        tenth = (self.count - self._said) * 10 >= self.total and now - self._said_at > 1.0
        if not self._quiet and (tenth or now - self._said_at > 30):
            self._line(now)

    def _line(self, now: float) -> None:
        spent = now - self._began
        new = max(1, self.count - self._start_count)
        left = spent / new * (self.total - self.count)
        words = f"{self.what}: {self.count}/{self.total} {self.unit}, {spent:.0f} s, about {left:.0f} s left"
        sys.stderr.write(words + "\n")
        sys.stderr.flush()
        self._said, self._said_at = self.count, now

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
