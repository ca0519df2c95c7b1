"""The figures that a bench measures, with their limits."""

from __future__ import annotations

from typing import NamedTuple


class Figure(NamedTuple):
    """One measured value and its limit, if any; `kind` is "at most" or "at least"."""

    what: str
    value: float
    unit: str
    bound: float | None
    kind: str = "at most"

    @property
    def held(self) -> bool:
        """Whether the value is within its limit."""
        if self.bound is None:
            return True
        return self.value <= self.bound if self.kind == "at most" else self.value >= self.bound
