"""A checker for vector environments, which Gymnasium and Stable-Baselines3 do not have: `check_vector_env`, `RULES`.

It plays small batches with random actions and holds them against Gymnasium's contract, against themselves (other batch
sizes, other neighbours, other autoreset modes, the same seed again) and, when one is given, against the single
environment. It works for any `gymnasium.vector.VectorEnv` and changes nothing in it.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from motion.errors import BadInput, MissingExtra, MissingSystem, unknown
from rl_camera import vector_probes
from rl_camera.vector_contract import Contract
from rl_camera.vector_rules import RULES, Problem, Report, VectorEnvError
from rl_camera.vector_story import Actions, Malformed, Story, difference, play, play_single, unequal

__all__ = ["check_vector_env", "RULES", "Problem", "Report", "VectorEnvError"]


def check_vector_env(
    make: str | Callable[..., VectorEnv],
    *,
    single: Callable[[], gymnasium.Env] | None = None,
    num_envs: int = 4,
    steps: int = 300,
    seed: int = 0,
    tolerance: float = 0.0,
    modes: Iterable[AutoresetMode] | None = None,
    skip: Iterable[str] = (),
    raises: bool = True,
) -> Report:
    """Check a vector environment, whoever made it.

    Args:
        make: ``make(n)`` returns a batch of n. Where it takes the keywords ``autoreset_mode`` and ``render_mode``,
            every mode is checked. An environment id is made with `gymnasium.make_vec`.
        single: makes the single environment that each of the batch should equal step by step.
        num_envs: size of the batch that is played, at least 2.
        steps: calls of `step` in each play; enough for episodes to end.
        seed: of resets and actions.
        tolerance: absolute and relative difference that counts as equal; 0: bit for bit.
        modes: autoreset modes to check; None: all that ``make`` takes.
        skip: names of RULES not to check.
        raises: False: only report.

    Returns:
        what was checked and found.

    Raises:
        VectorEnvError: rules are broken; the error lists every one.
        BadInput: an argument is wrong.

    Example:
        >>> report = check_vector_env("CartPole-v1", skip=["seed_alone", "seed_list", "reset_mask"])
        >>> report.ok
        True
    """
    if num_envs < 2:
        raise BadInput(f"check_vector_env: num_envs {num_envs}, expected at least 2: neighbours matter")
    if steps < 2:
        raise BadInput(f"check_vector_env: steps {steps}, expected at least 2")
    skipped = set(skip)
    for rule in skipped:
        if rule not in RULES:
            raise unknown("rule", rule, RULES)
    maker = _from_id(make) if isinstance(make, str) else make
    check = Check(maker, single, num_envs, steps, seed, tolerance, skipped)
    report = check.run(None if modes is None else tuple(modes))
    if raises and not report.ok:
        raise VectorEnvError(report)
    return report


def _from_id(env_id: str) -> Callable[..., VectorEnv]:
    """`gymnasium.make_vec` as a maker; autoreset modes of a synchronous batch go where it wants them."""
    spec = gymnasium.spec(env_id)
    if spec.vector_entry_point is not None:
        return lambda n, **kwargs: gymnasium.make_vec(env_id, num_envs=n, **kwargs)

    def sync(n: int, autoreset_mode: AutoresetMode = AutoresetMode.NEXT_STEP, **kwargs: Any) -> VectorEnv:
        vector_kwargs = {"autoreset_mode": autoreset_mode}
        return gymnasium.make_vec(env_id, num_envs=n, vectorization_mode="sync", vector_kwargs=vector_kwargs, **kwargs)

    return sync


class Check:
    """The state of one check: problems found so far, and how to make batches."""

    def __init__(self, make: Callable[..., VectorEnv], single: Callable[[], gymnasium.Env] | None,
                 n: int, steps: int, seed: int, tolerance: float, skip: set[str]) -> None:  # fmt: skip
        self.make, self.single, self.n, self.steps, self.seed = make, single, n, steps, seed
        self.tolerance, self.skip = tolerance, skip
        self.problems: dict[Problem, None] = {}  # ordered, each once
        self.checked: dict[str, None] = {}
        self.unchecked: dict[str, str] = dict.fromkeys(sorted(skip), "skipped")
        self.mode: AutoresetMode | None = None  # being checked
        self.keys = [seed + i for i in range(n)]

    # ---- telling

    def tell(self, rule: str, message: str) -> None:
        """A rule is broken; said once for each rule and mode, in its first words."""
        where = self.mode.value if self.mode else ""
        known = {(problem.rule, problem.where) for problem in self.problems}
        if rule not in self.skip and (rule, where) not in known:
            self.problems[Problem(rule, where, " ".join(message.split()))] = None

    def same(self, rule: str, one: Sequence[Story], other: Sequence[Story], what: str, *, infos: bool = False) -> None:
        """Stories should be equal."""
        self.checked[rule] = None
        for i, (a, b) in enumerate(zip(one, other)):
            if (found := difference(a, b, self.tolerance, infos=infos)) is not None:
                self.tell(rule, f"{what}: environment {i} {found}")
                return

    @contextlib.contextmanager
    def rule(self, name: str) -> Any:
        """A rule that is checked in this block; whatever the environment raises there breaks it."""
        if name in self.skip:
            with contextlib.suppress(Exception):
                yield False
            return
        self.checked[name] = None
        try:
            yield True
        except (MissingExtra, MissingSystem, gymnasium.error.DependencyNotInstalled) as error:
            self.unchecked[name] = str(error)
            self.checked.pop(name, None)
        except Exception as error:  # the environment's own; which it is, is what is told
            self.tell(name, f"{type(error).__name__}: {error}")

    # ---- making and playing

    def build(self, n: int | None = None, **kwargs: Any) -> VectorEnv:
        if self.mode is not None and self.chooses:
            kwargs["autoreset_mode"] = self.mode
        return self.make(n or self.n, **kwargs)

    def play(self, env: VectorEnv, keys: Sequence[int] | None = None, steps: int | None = None,
             **kwargs: Any) -> list[Story]:  # fmt: skip
        assert self.mode is not None
        keys = self.keys if keys is None else keys
        return play(env, keys, steps or self.steps, self.actions, **{"mode": self.mode, "seed": keys[0], **kwargs})

    # ---- the whole

    def run(self, modes: tuple[AutoresetMode, ...] | None) -> Report:
        self.chooses = _takes(self.make, "autoreset_mode")
        first: VectorEnv | None = None
        with self.rule("make"):
            first = self._first()
            if not isinstance(first, VectorEnv):
                self.tell("make", f"made a {type(first).__name__}, expected a gymnasium.vector.VectorEnv")
                first = None
        if first is None:
            return self._report()
        self._attributes(first)
        self.actions = Actions(first.single_action_space, self.steps, self.seed)
        own = first.metadata.get("autoreset_mode")
        if not isinstance(own, AutoresetMode):
            own = AutoresetMode.NEXT_STEP  # Gymnasium's default
        stories: dict[AutoresetMode, list[Story]] = {}
        for mode in (tuple(AutoresetMode) if self.chooses else (own,)) if modes is None else modes:
            if not self.chooses and mode is not own:
                self.unchecked[f"{mode.value} mode"] = "make does not take autoreset_mode"
                continue
            self.mode = mode
            if (told := self._in_mode(mode)) is not None:
                stories[mode] = told
        self.mode = None
        for mode, told in list(stories.items())[1:]:
            other = next(iter(stories))
            self.same("modes_agree", told, stories[other], f"{mode.value} against {other.value}", infos=True)
        self._render(first)
        with self.rule("close"):
            first.close()
            first.close()
        return self._report()

    def _first(self) -> VectorEnv:
        """The first batch; also finds out whether modes can be chosen."""
        if self.chooses:
            try:
                return self.make(self.n, autoreset_mode=AutoresetMode.SAME_STEP)
            except TypeError:
                self.chooses = False
        return self.make(self.n)

    def _report(self) -> Report:
        for rule in RULES:
            if rule not in self.checked and rule not in self.unchecked:
                self.unchecked[rule] = self._why_not(rule)
        broken = {problem.rule for problem in self.problems}
        order = [rule for rule in RULES if (rule in self.checked or rule in broken) and rule not in self.skip]
        return Report(tuple(self.problems), tuple(order), self.unchecked)

    def _why_not(self, rule: str) -> str:
        if self.problems:
            return "what came before it is broken"
        if rule == "single":
            return "no single environment given"
        return "no such mode was made"

    def _attributes(self, env: VectorEnv) -> None:
        with self.rule("num_envs"):
            if env.num_envs != self.n:
                self.tell("num_envs", f"num_envs {env.num_envs}, asked for {self.n}")
        with self.rule("spaces"):
            for name in ("observation_space", "action_space"):
                one = getattr(env, f"single_{name}")
                batched, expected = getattr(env, name), batch_space(one, env.num_envs)
                if batched != expected:
                    self.tell("spaces", f"{name} is {batched}, expected {expected}")

    # ---- one mode

    def _in_mode(self, mode: AutoresetMode) -> list[Story] | None:
        """Check one autoreset mode; returns its stories, or None where they cannot be told."""
        try:
            env = self.build()
        except Exception as error:  # the environment's own
            self.tell("make", f"{type(error).__name__}: {error}")
            return None
        with self.rule("autoreset_mode"):
            said = env.metadata.get("autoreset_mode")
            if said is not mode:
                self.tell("autoreset_mode", f"metadata['autoreset_mode'] is {said!r}, expected {mode}")
        contract = Contract(env, mode, self.tell)
        try:
            told = self.play(env, watch=contract)
        except Malformed as error:
            if not self.problems:
                self.tell("infos", str(error))
            return None
        except Exception as error:  # the environment's own
            self.tell("step_returns", f"{type(error).__name__}: {error}")
            return None
        contract.finish()
        _mark(self.checked, "reset_returns", "step_returns", "observation", "reward", "flags", "infos", "finite")
        _mark(self.checked, "no_overwrite", "episodes_end")
        if not contract.ended:
            words = f"no episode ended in {self.steps} steps of {self.n} environments"
            self.tell("episodes_end", f"{words}: give more steps, or a batch with shorter episodes")
        elif self.mode is AutoresetMode.SAME_STEP:
            _mark(self.checked, "final_obs", "final_info")
        self._seeds(env, told)
        vector_probes.actions_untouched(self, told)
        vector_probes.reset_mask(self, told)
        if self.mode is AutoresetMode.NEXT_STEP and contract.ended:
            vector_probes.action_ignored(self)
        if self.mode is AutoresetMode.DISABLED and contract.ended:
            vector_probes.stays_ended(self)
        if self.single is not None:
            with self.rule("single"):
                self._against_single(told)
        return told

    def _seeds(self, env: VectorEnv, told: list[Story]) -> None:
        with self.rule("seed_reproducible"):
            # This batch has just been played: episodes are under way, restarts may be pending.
            self.same("seed_reproducible", self.play(env), told, "the same batch seeded again")
            self.same("seed_reproducible", self.play(self.build()), told, "another batch seeded alike")
            vector_probes.until_end(self, env)
            self.same("seed_reproducible", self.play(env, steps=8), told, "seeded again right after an end")
        with self.rule("seed_alone") as on:
            for i in (0, self.n - 1) if on else ():
                alone = self.play(self.build(1), [self.keys[i]])
                self.same(
                    "seed_alone", [told[i]], alone, f"seeded {self.keys[i]}, environment {i} of {self.n} vs alone"
                )
        with self.rule("seed_list") as on:
            if on:
                listed = self.play(env, seed=list(self.keys))
                self.same("seed_list", listed, told, f"seed={list(self.keys)} against seed={self.seed}")
                back = self.keys[::-1]
                turned = self.play(env, back, seed=back)[::-1]
                self.same("seed_list", turned, told, "the same seeds in another order")
        with self.rule("seed_stream"):
            one, two = env.reset(seed=self.seed)[0], env.reset()[0]
            again, later = env.reset(seed=self.seed)[0], env.reset()[0]
            if unequal(one, again, self.tolerance) is None and (w := unequal(later, two, self.tolerance)) is not None:
                self.tell("seed_stream", f"reset(seed) and then reset() does not repeat: {w}")
            chance = unequal(one, env.reset(seed=self.seed + 7919)[0], 0.0) is not None
            if chance and unequal(two, one, 0.0) is None:
                self.tell("seed_stream", "reset() begins the very episode that reset(seed) began")
            elif chance and all(_repeats(story) for story in told):
                self.tell("seed_stream", "each episode begins with the very observation that the first began with")
        with self.rule("reset_options"):
            self.same("reset_options", self.play(env, steps=3, options={}), told, "reset(options={})")

    def _against_single(self, told: list[Story]) -> None:
        assert self.single is not None
        env = self.single()
        for i, story in enumerate(told):
            alone = play_single(env, self.keys[i], len(story), self.actions, seed=self.keys[i])
            self.same("single", [story], [alone], f"seeded {self.keys[i]}, in a batch against alone", infos=True)
        env.close()

    def _render(self, env: VectorEnv) -> None:
        declared = [str(m) for m in env.metadata.get("render_modes", ()) if m not in ("human", None)]
        with self.rule("render") as on:
            for mode in declared if on else ():
                try:
                    shown = self.make(self.n, render_mode=mode)
                except TypeError:
                    self.unchecked["render"] = "make does not take render_mode"
                    return
                if shown.render_mode != mode:
                    self.tell("render", f"render_mode is {shown.render_mode!r}, asked for {mode!r}")
                shown.reset(seed=self.seed)
                pictures = shown.render()
                if not isinstance(pictures, Sequence | np.ndarray) or len(pictures) != self.n:
                    self.tell(
                        "render", f"render in mode {mode} returned {type(pictures).__name__}, expected {self.n} frames"
                    )
                elif mode == "rgb_array" and not all(map(_is_picture, pictures)):
                    self.tell("render", "a frame is no array (H, W, 3) of uint8")
                shown.close()


def _takes(function: Callable[..., Any], name: str) -> bool:
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False
    return name in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def _mark(checked: dict[str, None], *rules: str) -> None:
    checked.update(dict.fromkeys(rules))


def _repeats(story: Story) -> bool:
    """Whether there is a second episode, and each begins as the first did."""
    firsts = [row.obs for row in story if row.begins]
    return len(firsts) > 1 and all(unequal(obs, firsts[0], 0.0) is None for obs in firsts[1:])


def _is_picture(frame: Any) -> bool:
    return isinstance(frame, np.ndarray) and frame.ndim == 3 and frame.shape[2] == 3 and frame.dtype == np.uint8
