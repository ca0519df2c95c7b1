"""Resolves layers' requirements: `requirements.in` to `requirements.txt`, with hashes, for every supported Python.

python -m infra.locks layers/*           every layer that has requirements
python -m infra.locks layers/pictures    one

A layer omits the packages of Lambda's runtime, except urllib3, of which the runtime's version is too old for downloads.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UV = ROOT / ".venv/bin/uv"
OPTIONS = ("--quiet", "--universal", "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url")


class Unresolved(Exception):
    """Requirements are in conflict, or no registry has them; the message is uv's."""


def command(layer: Path) -> list[str]:
    """Return uv's command line for one layer; paths are relative to the project, because the lock file names them."""
    provided = re.findall(r"^([a-zA-Z0-9_.-]+)==", (ROOT / "requirements/runtime.txt").read_text(), re.MULTILINE)
    left_out = [option for name in provided if name != "urllib3" for option in ("--no-emit-package", name)]
    wanted = (layer / "requirements.in").resolve().relative_to(ROOT)
    return [str(UV), "pip", "compile", *OPTIONS, "--no-header", *left_out, str(wanted), "-o", str(wanted)[:-2] + "txt"]


def resolve(layer: Path) -> None:
    """Write a layer's lock file; raises Unresolved."""
    done = subprocess.run(command(layer), cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unresolved(done.stderr.strip()[-2000:])


def main(folders: list[str]) -> int:
    """Resolve those of the given layers that have requirements; return 1 after an error."""
    for layer in map(Path, folders):
        if (layer / "requirements.in").exists():
            try:
                resolve(layer)
            except Unresolved as error:
                print(f"error: {layer}: {error}", file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
