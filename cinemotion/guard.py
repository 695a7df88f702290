"""`guarded` commands: errors meant for people become one line on stderr and an exit code, here and nowhere else.

0 done, 1 failed, 2 bad input, 130 stopped. `say` is how anything reaches stderr.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import typer

Command = TypeVar("Command", bound=Callable[..., Any])


def guarded(command: Command) -> Command:
    """Errors as people and shells expect them."""

    @functools.wraps(command)
    def run(*args: Any, **options: Any) -> None:
        try:
            command(*args, **options)
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except KeyboardInterrupt:
            say("stopped")
            raise SystemExit(130) from None
        except BrokenPipeError:
            # The reader of our output has gone; Python would complain about it once more at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(1) from None
        except Exception as error:
            raise SystemExit(_explain(error)) from (error if os.environ.get("CINEMOTION_DEBUG") else None)

    return run  # type: ignore[return-value]


def _explain(error: Exception) -> int:
    """Say an error in one line (a scene's: one line per problem); its exit code. Unknown ones go on."""
    from motion.errors import CinemotionError

    if isinstance(error, CinemotionError):
        from cinemotion.source import SceneError

        if isinstance(error, SceneError):
            for problem in error.problems:
                say(str(problem))
        else:
            say("error: " + " ".join(str(error).split()))
        return error.exit_code
    if isinstance(error, MemoryError):
        say("error: not enough memory for this")
        return 1
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        say(f"error: {where}{error.strerror or error}")
        return 1
    raise error


def say(text: str) -> None:
    # A file's names end up in messages; its control characters must not reach the terminal.
    plain = "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)
    typer.echo(plain, err=True)
