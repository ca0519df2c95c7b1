"""`make destroy STAGE=dev`: remove a stage, after asking for its name. Resources with data are kept.

It keeps tables, bucket and user pool, prints their names, and refers to the documentation on how to delete them.
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
        raise Refused(f"stack {stack} does not exist in this account and region")
    outputs = outputs_of(stack)
    has_budget = outputs.get("BudgetDollars", "0") != "0"
    kept = {name: outputs[name] for name in KEPT if name in outputs}
    print(f"This removes {stack}: functions, queues and their messages, API, schedules, alarms and logs.")
    print(f"It keeps {', '.join(kept.values())}.")
    print(f"To continue, type the stack's name: {stack}")
    if input("> ").strip() != stack:
        raise Refused("the name does not match; nothing was removed")
    remove(stack)
    if has_budget:
        budget.set_monthly(stack, "0", "")
    print(
        f"{stack} was removed. `make restore` restores it with its data; docs/deploying.md says how to delete the data."
    )


if __name__ == "__main__":
    sys.exit(main())
