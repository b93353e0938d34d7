"""Four arms of Meta-World that step together, each with a task and a goal of its own."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from metaworld.env_dict import ALL_V3_ENVIRONMENTS_GOAL_OBSERVABLE

TASKS = ("reach", "push", "button-press-topdown", "window-open")
N_OBSERVED, N_ACTIONS = 39, 4
_REPEAT = 5  # simulator's steps an action is held for
_HORIZON = 30  # actions an episode
_SCALE = 0.1  # rewards are from 0 to 10 a step


@dataclass(frozen=True, eq=False)
class Step:
    """What one action of each task's arm led to; arrays by task, (K, ...).

    Attributes
    ----------
    observed : ndarray of float32, (K, 39)
        What is seen next: of the next episode where this one is over.
    reward : ndarray of float32, (K,)
    over : ndarray of bool, (K,)
        Whether the episode ended, always by its length.
    succeeded : ndarray of bool, (K,)
        Whether the goal has been reached in this episode so far.
    """

    observed: np.ndarray
    reward: np.ndarray
    over: np.ndarray
    succeeded: np.ndarray


class Robots:
    """One arm a task; the goal of a task is drawn by the seed and stays."""

    def __init__(self, tasks: tuple[str, ...], seed: int) -> None:
        self._arms = [
            ALL_V3_ENVIRONMENTS_GOAL_OBSERVABLE[f"{task}-v3-goal-observable"](seed=seed)
            for task in tasks
        ]
        self._age = np.zeros(len(tasks), dtype=int)
        self._succeeded = np.zeros(len(tasks), dtype=bool)

    def reset(self) -> np.ndarray:
        """What is seen at the start, float32 (K, 39)."""
        return np.stack([arm.reset()[0] for arm in self._arms]).astype(np.float32)

    def step(self, actions: np.ndarray) -> Step:
        """Hold one action of each arm, (K, 4), for some steps of the simulator."""
        observed, rewards = [], []
        for place, (arm, action) in enumerate(zip(self._arms, actions, strict=True)):
            seen, reward = self._held(place, arm, np.clip(action, -1, 1))
            observed.append(seen)
            rewards.append(_SCALE * reward)
        self._age += 1
        over, succeeded = self._age >= _HORIZON, self._succeeded.copy()
        for place in np.flatnonzero(over):
            observed[place] = self._arms[place].reset()[0]
            self._age[place], self._succeeded[place] = 0, False
        seen = np.stack(observed).astype(np.float32)
        return Step(seen, np.array(rewards, dtype=np.float32), over, succeeded)

    def _held(self, place: int, arm: Any, action: np.ndarray) -> tuple[np.ndarray, float]:
        # Only what is seen at the end counts, and looking takes longer than the physics.
        for _ in range(_REPEAT - 1):
            arm.set_xyz_action(action[:3])
            arm.do_simulation([action[-1], -action[-1]], n_frames=arm.frame_skip)
        seen, reward, _, _, info = arm.step(action)
        self._succeeded[place] |= bool(info["success"])
        return seen, float(reward)
