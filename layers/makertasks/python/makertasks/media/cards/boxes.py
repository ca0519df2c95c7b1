"""A rectangle of a card, in points from its lower left corner."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    """A rectangle by its lower left corner."""

    left: float
    bottom: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Right edge."""
        return self.left + self.width

    @property
    def top(self) -> float:
        """Upper edge."""
        return self.bottom + self.height

    def overlaps(self, other: Box) -> bool:
        """Whether the two have more in common than an edge."""
        apart = 1e-6
        return (
            self.left < other.right - apart
            and other.left < self.right - apart
            and self.bottom < other.top - apart
            and other.bottom < self.top - apart
        )
