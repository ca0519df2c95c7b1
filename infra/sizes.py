"""Measures the unpacked sizes of functions and layers, and checks that no function exceeds the maximum."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from infra.local.template import load, resources

# Lambda allows 250 MB, including layers. About half of it lets libraries grow; with more, cold starts get noticeably
# slower.
MOST_MEGABYTES = 120
MEGABYTE = 1_000_000


class TooLarge(Exception):
    """A function with its layers exceeds the maximum."""


@dataclass(frozen=True)
class Size:
    """Bytes of one function: its own code, and each of its layers by name."""

    name: str
    code: int
    layers: dict[str, int]

    @property
    def total(self) -> int:
        """The bytes that Lambda unpacks."""
        return self.code + sum(self.layers.values())


def measure(template: Path) -> list[Size]:
    """Return the sizes of a built template's functions, largest first; raises TooLarge."""
    body = load(template)
    layers = {
        logical_id: _bytes(template.parent / properties["ContentUri"])
        for logical_id, properties in resources(body, "AWS::Serverless::LayerVersion")
    }
    shared = body.get("Globals", {}).get("Function", {}).get("CodeUri", "")
    found = [
        Size(
            logical_id,
            _bytes(template.parent / properties.get("CodeUri", shared)),
            {layer["Ref"]: layers[layer["Ref"]] for layer in properties.get("Layers", [])},
        )
        for logical_id, properties in resources(body, "AWS::Serverless::Function")
    ]
    found.sort(key=lambda size: -size.total)
    for size in found:
        if size.total > MOST_MEGABYTES * MEGABYTE:
            heaviest = max(size.layers, key=lambda layer: size.layers[layer])
            raise TooLarge(
                f"{size.name} has {size.total / MEGABYTE:.0f} MB with its layers; the maximum is {MOST_MEGABYTES}. "
                f"{heaviest} alone has {size.layers[heaviest] / MEGABYTE:.0f} MB: check its requirements.txt"
            )
    return found


def table(found: list[Size]) -> str:
    """Return the sizes in MB as text for a terminal."""
    lines = [f"{'MB with layers':>14}  {'own code':>8}  function"]
    lines += [f"{size.total / MEGABYTE:14.1f}  {size.code / MEGABYTE:8.1f}  {size.name}" for size in found]
    layers = {layer: number for size in found for layer, number in size.layers.items()}
    lines += ["", f"{'MB':>14}  layer"]
    lines += [f"{number / MEGABYTE:14.1f}  {layer}" for layer, number in sorted(layers.items())]
    return "\n".join(lines)


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.resolve().rglob("*") if path.is_file())  # including bytecode
