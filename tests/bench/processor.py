"""CPU time of this process's descendants, by kind: functions, the local AWS, a stock worker."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
FUNCTION = b"AWS_LAMBDA_FUNCTION_NAME="
PROC = Path("/proc")
# After the command's name in /proc/…/stat: the parent's id, and the ticks in user and in kernel mode.
PARENT, USER, KERNEL = 1, 11, 12

Times = dict[tuple[str, int], float]


def times() -> Times:
    """CPU seconds of each descendant so far, by its kind and id."""
    found = {int(folder.name): _stat(folder) for folder in PROC.iterdir() if folder.name.isdigit()}
    children = defaultdict(list)
    for process, stat in found.items():
        if stat:
            children[int(stat[PARENT])].append(process)
    reached, waiting = {}, [os.getpid()]
    while waiting:
        for process in children[waiting.pop()]:
            stat = found[process]
            reached[_kind(process), process] = (int(stat[USER]) + int(stat[KERNEL])) / TICKS
            waiting.append(process)
    return reached


def between(before: Times, after: Times) -> Counter[str]:
    """CPU seconds of each kind between two calls of `times`."""
    spent: Counter[str] = Counter()
    for (kind, process), seconds in after.items():
        spent[kind] += seconds - before.get((kind, process), 0.0)
    return spent


def _stat(folder: Path) -> list[str]:
    try:
        return (folder / "stat").read_text().rpartition(")")[2].split()
    except OSError:  # the process has ended
        return []


def _kind(process: int) -> str:
    try:
        variables = (PROC / str(process) / "environ").read_bytes().split(b"\0")
        command = (PROC / str(process) / "cmdline").read_bytes()
    except OSError:
        return "ended"
    if functions := [each for each in variables if each.startswith(FUNCTION)]:
        return functions[0].removeprefix(FUNCTION).decode()
    return "local AWS" if b"launcher.py" in command else "worker"
