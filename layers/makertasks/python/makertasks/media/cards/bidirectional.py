"""Levels of the Unicode bidirectional algorithm (UAX 9) for one line without explicit marks, which `fonts.clean` drops.

An even level is written from left to right, an odd one from right to left. Rules W1 to W7, N0 to N2, I1, I2 and L2; the
shaper mirrors brackets and positions vowel points itself.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import groupby

_CLOSING = dict(zip(")]}〉》」』】〕）］｝⟩", "([{〈《「『【〔（［｛⟨", strict=True))
_STRONG = {"L", "R", "AL"}
_NEUTRAL = {"B", "S", "WS", "ON", "BN"}
_COMMON = {"CS", "ES"}


def begins_right_to_left(text: str) -> bool:
    """Whether a whole text is written from right to left, which its first letter decides (P2, P3)."""
    kinds = (unicodedata.bidirectional(letter) for letter in text)
    return next((kind for kind in kinds if kind in _STRONG), "L") != "L"


def has_right_to_left(text: str) -> bool:
    """Whether any character is written from right to left or is an Arabic digit."""
    return not text.isascii() and any(unicodedata.bidirectional(letter) in {"R", "AL", "AN"} for letter in text)


def levels(line: str, *, right_to_left: bool) -> list[int]:
    """The level of each character of a line.

    >>> levels("Bosch (שקע)", right_to_left=False)
    [0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0]
    """
    base = int(right_to_left)
    kinds = [unicodedata.bidirectional(letter) or "L" for letter in line]
    _resolve_weak(kinds, "R" if right_to_left else "L")
    _resolve_brackets(line, kinds, "R" if right_to_left else "L")
    _resolve_neutral(kinds, "R" if right_to_left else "L")
    raised = {0: {"L": 0, "R": 1, "AN": 2, "EN": 2}, 1: {"L": 2, "R": 1, "AN": 2, "EN": 2}}[base]
    return [raised[kind] for kind in kinds]


def display_order(run_levels: Sequence[int]) -> list[int]:
    """Indexes of runs (of one level each) in display order, from left to right (L2).

    >>> display_order([1, 2, 1])
    [2, 1, 0]
    """
    order = list(range(len(run_levels)))
    for level in range(max(run_levels, default=0), 0, -1):
        turned: list[int] = []
        for within, group in groupby(order, key=lambda index: run_levels[index] >= level):
            members = list(group)
            turned += reversed(members) if within else members
        order = turned
    return order


def _resolve_weak(kinds: list[str], embedding: str) -> None:
    before = strong = embedding
    for index, kind in enumerate(kinds):  # W1 to W3
        kind = before if kind == "NSM" else kind  # noqa: PLW2901 - the resolved kind
        before = kind
        if kind in _STRONG:
            strong = kind
        if kind == "EN" and strong == "AL":
            kind = "AN"  # noqa: PLW2901
        kinds[index] = kind
    kinds[:] = ["R" if kind == "AL" else kind for kind in kinds]
    for index in range(1, len(kinds) - 1):  # W4
        left, kind, right = kinds[index - 1 : index + 2]
        if left == right and ((kind in _COMMON and left == "EN") or (kind == "CS" and left == "AN")):
            kinds[index] = left
    _spread_terminators(kinds)
    strong = embedding
    for index, kind in enumerate(kinds):  # W6, W7
        if kind in {"ES", "ET", "CS"}:
            kinds[index] = "ON"
        elif kind in {"L", "R"}:
            strong = kind
        elif kind == "EN" and strong == "L":
            kinds[index] = "L"


def _spread_terminators(kinds: list[str]) -> None:
    """W5: signs such as % and € count as digits beside digits."""
    start = 0
    for kind, group in groupby(list(kinds)):
        end = start + len(list(group))
        beside = kinds[start - 1 : start] + kinds[end : end + 1]
        if kind == "ET" and "EN" in beside:
            kinds[start:end] = ["EN"] * (end - start)
        start = end


def _resolve_brackets(line: str, kinds: list[str], embedding: str) -> None:
    """N0: both brackets of a pair take the direction of the text inside them, or of the text before them."""
    opened: list[tuple[str, int]] = []
    pairs: list[tuple[int, int]] = []
    for index, letter in enumerate(line):
        if kinds[index] != "ON":
            continue
        if letter in _CLOSING.values():
            opened.append((letter, index))
        elif letter in _CLOSING:
            depth = next((at for at in range(len(opened) - 1, -1, -1) if opened[at][0] == _CLOSING[letter]), None)
            if depth is not None:
                pairs.append((opened[depth][1], index))
                del opened[depth:]
    for first, last in sorted(pairs):
        inside = {_direction(kind) for kind in kinds[first + 1 : last]} - {""}
        if not inside:
            continue
        context = next((side for kind in reversed(kinds[:first]) if (side := _direction(kind))), embedding)
        kinds[first] = kinds[last] = embedding if embedding in inside else context


def _direction(kind: str) -> str:
    return {"L": "L", "R": "R", "EN": "R", "AN": "R"}.get(kind, "")


def _resolve_neutral(kinds: list[str], embedding: str) -> None:
    """N1, N2: characters without a direction take that of both neighbours, or else of the line."""
    start = 0
    for neutral, group in groupby(list(kinds), key=lambda kind: kind in _NEUTRAL):
        end = start + len(list(group))
        if neutral:
            left = _direction(kinds[start - 1]) if start else embedding
            right = _direction(kinds[end]) if end < len(kinds) else embedding
            kinds[start:end] = [left if left == right else embedding] * (end - start)
        start = end
