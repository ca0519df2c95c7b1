"""What became of a group, in the words of Celery's GroupResult."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from makertasks import configuration
from makertasks.async_result import AsyncResult


class GroupResult:
    """The results of a group's tasks, in their order; a group in a group is one of them."""

    def __init__(
        self, group_id: str, results: list[AsyncResult | GroupResult], parent: AsyncResult | GroupResult | None = None
    ) -> None:
        """Nothing is read yet."""
        self.id = group_id
        self.results = results
        self.parent = parent

    @classmethod
    def restore(cls, group_id: str) -> GroupResult | None:
        """A group that was saved, or is the header of a chord that runs; None where there is none."""
        from makertasks import chords  # noqa: PLC0415 - loads boto3

        configuration.load()
        try:
            found = from_tree(chords.group_of(group_id))
        except chords.ChordError:
            return None
        return found if isinstance(found, cls) else cls(group_id, [found])

    def save(self) -> None:
        """Keep it under its id, for `restore`, also by a stock Celery client; raises Unavailable."""
        from makertasks import chords  # noqa: PLC0415 - loads boto3

        configuration.load()
        chords.save(self.id, tree_of(self))

    def __repr__(self) -> str:
        return f"<GroupResult {self.id} of {len(self.results)}>"

    def __len__(self) -> int:
        return len(self.results)

    def __iter__(self) -> Iterator[AsyncResult | GroupResult]:
        return iter(self.results)

    def __getitem__(self, place: int) -> AsyncResult | GroupResult:
        return self.results[place]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GroupResult) and (other.id, other.results) == (self.id, self.results)

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def children(self) -> list[AsyncResult | GroupResult]:
        """The results of its tasks."""
        return self.results

    def ready(self) -> bool:
        """Whether all have ended."""
        return all(result.ready() for result in self.results)

    def successful(self) -> bool:
        """Whether all have ended well."""
        return all(result.successful() for result in self.results)

    def failed(self) -> bool:
        """Whether any has failed."""
        return any(result.failed() for result in self.results)

    def waiting(self) -> bool:
        """Whether any has not ended."""
        return not self.ready()

    def completed_count(self) -> int:
        """How many tasks have ended well."""
        counts = (r.completed_count() if isinstance(r, GroupResult) else int(r.successful()) for r in self.results)
        return sum(counts)

    def join(self, timeout: float | None = None, *, propagate: bool = True, interval: float | None = None) -> list[Any]:
        """Wait for all and answer their values in order; the first failure is raised, or with `propagate=False` listed.

        `timeout`, for all together, and `interval` are in seconds. Raises TimeoutError and what `AsyncResult.get` does.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        values = []
        for result in self.results:
            left = None if deadline is None else max(deadline - time.monotonic(), 0.0)
            values.append(result.get(left, propagate=propagate, interval=interval))
        return values

    get = join

    def revoke(self, *, terminate: bool = False) -> None:
        """Call all of them off."""
        for result in self.results:
            result.revoke(terminate=terminate)

    def forget(self) -> None:
        """Remove the records of all; raises StillActive where one has not ended."""
        for result in self.results:
            result.forget()


def from_tree(tree: list[Any]) -> AsyncResult | GroupResult:
    """The result that a tree of ids stands for, with those it came of."""
    (own, before), members = tree
    parent = None if before is None else from_tree(before)
    if members is None:
        return AsyncResult(own, parent=parent)
    return GroupResult(own, [from_tree(member) for member in members], parent)


def tree_of(result: AsyncResult | GroupResult) -> list[Any]:
    """The tree of ids of a result, as Celery saves it."""
    if isinstance(result, AsyncResult):
        return [[result.id, None], None]
    return [[result.id, None], [tree_of(each) for each in result.results]]
