"""What the checker of vector environments checks and how it tells: `RULES`, `Problem`, `Report`, `VectorEnvError`."""

from __future__ import annotations

from dataclasses import dataclass

from motion.errors import CinemotionError

#: Every rule by name. Rules that speak of two plays compare stories: see `rl_camera.vector_story`.
RULES: dict[str, str] = {
    "make": "the environment can be made, and is a gymnasium.vector.VectorEnv",
    "num_envs": "num_envs is the number asked for",
    "spaces": "observation_space and action_space are batch_space of the single ones",
    "autoreset_mode": "metadata['autoreset_mode'] is an AutoresetMode, the one asked for",
    "reset_returns": "reset returns (observations, infos)",
    "step_returns": "step returns (observations, rewards, terminated, truncated, infos)",
    "observation": "observations are in observation_space: type, dtype, shape, bounds",
    "reward": "rewards are an array of floats of shape (n,)",
    "flags": "terminated and truncated are arrays of bool of shape (n,)",
    "infos": "infos are a dictionary of arrays with n rows, each with its mask '_key' (n,) of bool",
    "finite": "no NaN and no infinity in observations, rewards, and infos where their mask is on",
    "no_overwrite": "what a call returned stays as it was when the next one returns",
    "actions_untouched": "step does not write to the actions, and does not look at the array again later",
    "seed_reproducible": "the same seed gives the same episodes, again, from any state, and in another instance",
    "seed_alone": "environment i of a batch seeded s does what one alone seeded s + i does",
    "seed_list": "a list of seeds is taken; s is short for [s, s + 1, ...]; neighbours do not matter",
    "seed_stream": "without a seed reset goes on with the random stream: it does not start it anew",
    "reset_options": "reset takes options={} and then does what it does without",
    "reset_mask": "options={'reset_mask': mask} resets those and leaves the others where they are",
    "episodes_end": "episodes end within the steps of the check (else nothing of autoreset was checked)",
    "final_obs": "SAME_STEP: 'final_obs' holds the last observation of those that ended, and of nobody else",
    "final_info": "SAME_STEP: 'final_info' holds their infos, under the same mask",
    "reset_step": "NEXT_STEP: the step after an end resets: action ignored, reward 0, no flag on",
    "no_autoreset": "DISABLED: an ended environment raises or stays ended until it is reset",
    "modes_agree": "the three autoreset modes tell the same episodes",
    "single": "environment i does step by step what the single environment seeded alike does",
    "render": "render returns one picture (H, W, 3) of uint8 for each environment, in each mode that is declared",
    "close": "close may be called twice",
}


@dataclass(frozen=True)
class Problem:
    """One rule that is broken."""

    rule: str  # of RULES
    where: str  # the autoreset mode it was seen in; empty: in any
    message: str

    def __str__(self) -> str:
        return f"{self.rule}{f' ({self.where})' if self.where else ''}: {self.message}"


@dataclass(frozen=True)
class Report:
    """What a check found."""

    problems: tuple[Problem, ...]
    checked: tuple[str, ...]  # rules that could be checked
    unchecked: dict[str, str]  # rules that could not, and why

    @property
    def ok(self) -> bool:
        """Whether no rule is broken."""
        return not self.problems

    @property
    def broken(self) -> tuple[str, ...]:
        """Names of the rules that are broken."""
        return tuple(dict.fromkeys(problem.rule for problem in self.problems))

    def __str__(self) -> str:
        lines = [f"{len(self.checked)} rules checked, {len(self.broken)} broken"]
        lines += [f"  {problem}" for problem in self.problems]
        lines += [f"  not checked: {rule}: {why}" for rule, why in self.unchecked.items()]
        return "\n".join(lines)


class VectorEnvError(CinemotionError):
    """A vector environment breaks rules; ``report`` holds which."""

    def __init__(self, report: Report) -> None:
        super().__init__(str(report))
        self.report = report
