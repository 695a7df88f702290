"""Plays that try one rule each: actions that are reused, a reset by mask, the step that only resets, an end ignored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium.vector import VectorEnv

from motion.errors import CinemotionError
from rl_camera.vector_story import Story, rows, unequal

if TYPE_CHECKING:
    from rl_camera.check_vector_env import Check


def until_end(check: Check, env: VectorEnv) -> None:
    """Leave a batch at the step that ended an episode, its restart still to come."""
    env.reset(seed=check.seed)
    for t in range(check.steps):
        _, _, terminated, truncated, _ = env.step(check.actions.batch(check.keys, [t] * check.n))
        if terminated.any() or truncated.any():
            return


def actions_untouched(check: Check, told: list[Story]) -> None:
    """Actions handed in stay the caller's: not written to, and not read later."""

    with check.rule("actions_untouched"):
        env = check.build()
        step = env.step

        def watched(actions: Any) -> Any:
            if not isinstance(actions, np.ndarray):
                return step(actions)
            before = actions.copy()
            returned = step(actions)
            if not np.array_equal(actions, before):
                check.tell("actions_untouched", "step wrote to the actions that it was handed")
            actions[...] = check.actions.batch(check.keys, [check.steps - 1] * check.n)  # the caller's next ones
            return returned

        env.step = watched  # type: ignore[method-assign]
        check.same("actions_untouched", check.play(env), told, "with the action array used again by its owner")


def reset_mask(check: Check, told: list[Story]) -> None:
    """Reset environment 0 alone in the middle: the others go on as if nothing had been."""
    quiet = next((k for k in range(3, 0, -1) if not any(row.ends for story in told for row in story[: k + 2])), 0)
    with check.rule("reset_mask") as on:
        if not on:
            return
        if quiet == 0:
            check.unchecked["reset_mask"] = "episodes end at once: no step without an end in any environment"
            return
        env = check.build()
        check.play(env, steps=quiet)
        mask = np.zeros(check.n, dtype=bool)
        mask[0] = True
        obs, _ = env.reset(options={"reset_mask": mask.copy()})
        seen = rows(env, obs)
        for i in range(1, check.n):
            if (found := unequal(seen[i], told[i][quiet].obs, check.tolerance)) is not None:
                check.tell("reset_mask", f"environment {i} is not in the mask and its observation changed: {found}")
                return
        if unequal(seen[0], told[0][quiet].obs, 0.0) is None and unequal(seen[0], told[0][0].obs, 0.0) is not None:
            check.tell("reset_mask", "environment 0 is in the mask and was not reset")
        after = env.step(check.actions.batch(check.keys, [quiet] * check.n))
        for i, o in enumerate(rows(env, after[0])):
            if i and (found := unequal(o, told[i][quiet + 1].obs, check.tolerance)) is not None:
                check.tell("reset_mask", f"environment {i} is not in the mask and went on differently: {found}")
                return
        for bad, words in ((mask[:-1], "of the wrong length"), (~mask & mask, "that resets nobody")):
            try:
                env.reset(options={"reset_mask": bad})
            except (ValueError, TypeError, AssertionError, CinemotionError):
                continue
            check.tell("reset_mask", f"a mask {words} is taken without a word")


def action_ignored(check: Check) -> None:
    """NEXT_STEP: two batches differ only in the actions of the steps that reset."""
    with check.rule("reset_step"):
        one, other = check.build(), check.build()
        one.reset(seed=check.seed)
        other.reset(seed=check.seed)
        t, pending = np.zeros(check.n, dtype=int), np.zeros(check.n, dtype=bool)
        for _ in range(check.steps):
            a = one.step(check.actions.batch(check.keys, t))
            b = other.step(check.actions.batch(check.keys, np.where(pending, t + 1 + check.steps // 2, t)))
            if pending.any() and (found := unequal(a[0], b[0], check.tolerance)) is not None:
                check.tell("reset_step", f"the action of the step that only resets is not ignored: observation {found}")
                return
            t += ~pending
            pending = (np.asarray(a[2]) | np.asarray(a[3])) & ~pending


def stays_ended(check: Check) -> None:
    """DISABLED: step on without resetting what ended."""
    with check.rule("no_autoreset"):
        env = check.build()
        env.reset(seed=check.seed)
        ended = np.zeros(check.n, dtype=bool)
        for t in range(check.steps):
            try:
                _, _, terminated, truncated, _ = env.step(check.actions.batch(check.keys, [t] * check.n))
            except Exception:
                if ended.any():
                    return  # it says so: good
                raise
            if ended.any():
                for i in np.flatnonzero(ended & ~(terminated | truncated)):
                    words = "ended, was stepped without a reset and is not ended any more"
                    check.tell("no_autoreset", f"environment {i} {words}: it was reset, or goes on, unasked")
                return
            ended |= terminated | truncated
