"""What a run sends: tasks, and the faults of some of them."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, field
from typing import Any

ATTEMPTS = 2  # for tasks that crash every time
EVERY_ATTEMPT = 9  # all attempts that the task has
SEED = 20261122
# Faults inside a task, and the share of tasks with each.
KINDS = {"crash": 0.025, "crash-late": 0.025, "hang": 0.025, "hang-late": 0.025, "pass": 0.1, "fail": 0.02}


@dataclass
class Plan:
    """The tasks to send: arguments by task id, and other faults by task id."""

    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    used_up: set[str] = field(default_factory=set)  # tasks that crash in every attempt
    doubled: list[str] = field(default_factory=list)
    unsent: list[str] = field(default_factory=list)
    unreadable: int = 0

    @classmethod
    def of(cls, size: int, seed: int = SEED) -> Plan:
        """5 % crash, 5 % time out, 10 % fail temporarily, 2 % permanently; 5 % are duplicated, 1 % lost.

        Half of the crashes and hangs happen after the effect; a few tasks suffer until their attempts are used up. The
        first tasks have one fault each, so that every kind is there, however few tasks there are.
        """
        chance = random.Random(seed)
        plan = cls(unreadable=size // 50)
        for number in range(size):
            [fault] = chance.choices([*KINDS, "none"], [*KINDS.values(), 1 - sum(KINDS.values())])
            fault = dict(enumerate(KINDS)).get(number, fault)
            used_up = fault == "crash" and number % 3 == 0
            times = ATTEMPTS if used_up else chance.randint(1, 2) if fault == "pass" else 1
            if fault == "fail":
                times = EVERY_ATTEMPT  # a restart may use up some attempts
            task_id = str(uuid.UUID(int=chance.getrandbits(128), version=4))
            plan.tasks[task_id] = {"number": number, "faults": [] if fault == "none" else [fault] * times}
            if used_up:
                plan.used_up.add(task_id)
            if number == len(KINDS) or chance.random() < 0.05:
                plan.doubled.append(task_id)
            elif number == len(KINDS) + 1 or chance.random() < 0.01:
                plan.unsent.append(task_id)
        return plan

    def outcome(self, task_id: str) -> str:
        """The expected final status of a task."""
        faults = self.tasks[task_id]["faults"]
        return "FAILURE" if faults[:1] == ["fail"] or task_id in self.used_up else "SUCCESS"
