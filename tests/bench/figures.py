"""What a bench measures: figures with their bounds."""

from __future__ import annotations

from typing import NamedTuple


class Figure(NamedTuple):
    """One measured value and the bound it must hold, if any; `kind` is "at most" or "at least"."""

    what: str
    value: float
    unit: str
    bound: float | None
    kind: str = "at most"

    @property
    def held(self) -> bool:
        """Whether the bound holds."""
        if self.bound is None:
            return True
        return self.value <= self.bound if self.kind == "at most" else self.value >= self.bound
