"""A copy of the project that a test may change, with the original's environments."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.template import ROOT

NOT_COPIED = shutil.ignore_patterns(".git", ".venv", ".local", "__pycache__", ".*_cache", ".hypothesis", "*.egg-info")
# The environments exist, so make has nothing to install first.
INSTALLED = (".venv/.installed", ".local/ministack/.installed", ".local/runtime/.installed")
MAKE = ("make", "--no-print-directory", *(part for made in INSTALLED for part in ("-o", made)))


def project(folder: Path) -> Path:
    """A copy of the project in `folder`."""
    copy = folder / "makertasks"
    shutil.copytree(ROOT, copy, ignore=NOT_COPIED, symlinks=True)
    (copy / ".venv").symlink_to(ROOT / ".venv")
    (copy / ".local").symlink_to(ROOT / ".local")
    return copy


def run(folder: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command in the copy; returns its outcome, whether it succeeded or not."""
    return subprocess.run(  # noqa: S603 - ours
        command, cwd=folder, env=os.environ, capture_output=True, text=True, check=False
    )


def files(folder: Path, *parts: str) -> dict[str, bytes]:
    """The contents of these files and folders, by path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for part in parts
        for path in [folder / part, *(folder / part).rglob("*")]
        if path.is_file() and "__pycache__" not in path.parts
    }
