"""Flower's search, pure: `state:SUCCESS args:drill kwargs:item_id=7 result:png word`, any of which may fit."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from api.flower.fields import FlowerTask

_PART = re.compile(r'(?:[^\s,"]|"(?:\\.|[^"])*")+')


@dataclass
class Search:
    """What is looked for. A task fits where any one of these does, and everything where nothing is asked."""

    word: str = ""
    result: str = ""
    states: list[str] = field(default_factory=list)
    args: list[str] = field(default_factory=list)
    kwargs: dict[str, str] = field(default_factory=dict)

    def fits(self, task: FlowerTask) -> bool:
        """Whether a task fits."""
        asked = [
            (self.states, task["state"] in self.states),
            (self.word, self.word in _text(task)),
            (self.result, self.result in (task["result"] or "")),
            (self.args, all(each in task["args"] for each in self.args)),
            (self.kwargs, all(_has(task["kwargs"], name, value) for name, value in self.kwargs.items())),
        ]
        return not any(wanted for wanted, _ in asked) or any(wanted and fits for wanted, fits in asked)


def parse(text: str) -> Search:
    """The search that a text asks for; every text asks for something.

    >>> parse('state:FAILURE "two words"')
    Search(word='two words', result='', states=['FAILURE'], args=[], kwargs={})
    """
    found = Search()
    for part in _PART.findall(text):
        name, colon, rest = part.partition(":")
        value = rest.strip('" ')
        if colon and name == "state":
            found.states.append(value)
        elif colon and name == "result":
            found.result = value
        elif colon and name == "args":
            found.args.append(value)
        elif colon and name == "kwargs":
            key, equals, wanted = rest.partition("=")
            if equals:
                found.kwargs[key.strip()] = wanted.strip().strip('" ')
        else:
            found.word = part.strip('" ')
    return found


def _text(task: FlowerTask) -> str:
    parts = [task["name"], task["uuid"], task["state"], task["worker"], task["args"], task["kwargs"], task["result"]]
    return "|".join(part for part in parts if part)


def _has(kwargs: str, name: str, value: str) -> bool:
    """Whether `{'name': value, …}` has that value for that name."""
    found = re.search(rf"'{re.escape(name)}': ([^,}}]*)", kwargs)
    return found is not None and found[1].strip("\"'") == value
