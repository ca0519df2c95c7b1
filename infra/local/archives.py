"""Zip files whose bytes depend only on their content, and digests of folders."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

# The oldest time that a zip file can contain.
EPOCH = (1980, 1, 1, 0, 0, 0)
FILE_MODE = 0o100644
PROGRAM_MODE = 0o100755

# Files left behind by runs or editors.
LEFTOVERS = frozenset({"__pycache__", ".DS_Store", ".mypy_cache", ".ruff_cache"})


def files(folder: Path) -> Iterator[Path]:
    """Yield every file below a folder in a fixed order, without files left behind by runs or editors."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and LEFTOVERS.isdisjoint(path.relative_to(folder).parts) and path.suffix != ".pyc":
            yield path


def digest(folder: Path, *also: str, without: frozenset[str] = frozenset()) -> str:
    """Return 16 hexadecimal digits that change with any name or byte below `folder`, or with any of `also`."""
    total = hashlib.sha256("\0".join(also).encode())
    for path in files(folder):
        name = path.relative_to(folder).as_posix()
        if name not in without:
            total.update(f"\0{name}\0{path.stat().st_size}\0".encode())
            total.update(path.read_bytes())
    return total.hexdigest()[:16]


def write_zip(target: Path, folder: Path, members: Iterable[Path]) -> None:
    """Zip `members`, which are below `folder`; the zip file appears complete or not at all.

    It is not compressed, because the local AWS unpacks it at every cold start, and so that its bytes do not depend on
    zlib's version.
    """
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(members):
            info = zipfile.ZipInfo(path.relative_to(folder).as_posix(), EPOCH)
            info.create_system = 3  # Unix: the mode below is read
            info.external_attr = (PROGRAM_MODE if os.access(path, os.X_OK) else FILE_MODE) << 16
            archive.writestr(info, path.read_bytes())
    partial.replace(target)
