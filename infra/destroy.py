"""`make destroy STAGE=dev`: remove a stage, after asking for its name. Resources with data are kept.

Tables, bucket and users are retained; this prints their names, and how to remove them for good.
"""

from __future__ import annotations

import sys

from infra import budget
from infra.command import on_stack
from infra.stacks import Refused, outputs_of, remove, status_of

KEPT = ("TasksTableName", "InventoryTableName", "CountersTableName", "MediaBucketName", "UserPoolId")


def main() -> int:
    """Remove one stage."""
    return on_stack(__doc__, "destroy", destroy)


def destroy(stack: str) -> None:
    """Ask, then remove; raises Refused unless the name is confirmed."""
    if status_of(stack) is None:
        raise Refused(f"there is no stack {stack} in this account and region")
    outputs = outputs_of(stack)
    has_budget = outputs.get("BudgetDollars", "0") != "0"
    kept = {name: outputs[name] for name in KEPT if name in outputs}
    print(f"This removes {stack}: functions, queues with the messages in them, API, schedules, alarms, logs.")
    print("It keeps " + ", ".join(kept.values()))
    print(f"Type the stack's name to go on: {stack}")
    if input("> ").strip() != stack:
        raise Refused("nothing was removed")
    remove(stack)
    if has_budget:
        budget.set_monthly(stack, "0", "")
    print(
        f"{stack} is gone. `make restore` brings it back with its data; docs/deploying.md says how to delete that too."
    )


if __name__ == "__main__":
    sys.exit(main())
