"""The outcome of an import, by object."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from makertasks.inventory.openmakersuite.dumps import DumpObject
from makertasks.inventory.openmakersuite.values import printable

# Maximum number of refused objects to list, since the next invocation receives them (100 KB); all are counted.
NAMED_REFUSALS = 200


@dataclass
class Report:
    """The outcome of an import, by object; JSON, so that another invocation can continue it."""

    objects: int = 0
    created: int = 0
    changed: int = 0
    deleted: int = 0
    unchanged: int = 0
    older: int = 0  # of the unchanged: the table had a newer state, or the object has since been deleted
    refused: int = 0
    refusals: list[dict[str, Any]] = field(default_factory=list)
    by_model: dict[str, dict[str, int]] = field(default_factory=dict)
    not_kept: dict[str, int] = field(default_factory=dict)  # models that no task reads
    media_missing: int = 0  # images and QR codes that the dump refers to and the bucket lacks

    def count(self, model: str, outcome: str) -> None:
        """Count one object."""
        setattr(self, outcome, getattr(self, outcome) + 1)
        outcomes = self.by_model.setdefault(model, {})
        outcomes[outcome] = outcomes.get(outcome, 0) + 1

    def pass_over(self, model: str) -> None:
        """Count one object that no task reads."""
        self.not_kept[model[:100]] = self.not_kept.get(model[:100], 0) + 1

    def refuse(self, refused: DumpObject, reason: str) -> None:
        """Count one refused object, and list it while there is room."""
        named = refused.value if isinstance(refused.value, dict) else {}
        model, pk = printable(str(named.get("model", "unknown"))[:50]), printable(str(named.get("pk", ""))[:50])
        self.count(model, "refused")
        if len(self.refusals) < NAMED_REFUSALS:
            where = {"line": refused.line, "object": refused.number}
            self.refusals.append({**where, "model": model, "pk": pk, "reason": printable(reason[:200])})

    def as_json(self) -> dict[str, Any]:
        """The report as plain JSON."""
        return asdict(self)
