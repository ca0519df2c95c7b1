"""Builds layers and code for Lambda: for this machine's interpreter, or for a runtime and an architecture of AWS.

    python -m infra.local.packages pictures ARTIFACTS_DIR     called by layers/pictures/Makefile in `sam build`

A layer has the content of its folder and the packages that its requirements.txt locks, resolved for the target and
installed into `python/`. No library is compiled: one without a wheel for the target is an error. Bytecode is compiled
by an interpreter of the target's version.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Self

from infra.local import archives
from infra.local.errors import BuildFailed, LocalAwsError
from infra.local.template import parameter_default

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ROOT / "layers"
CACHE = ROOT / ".local/packages"
UV = ROOT / ".venv/bin/uv"
RUNTIME = ROOT / ".local/runtime/bin/python"

# The folder in a code root whose page templates are compiled.
PAGES = "api/pages/templates"

# Increase this when the steps below change, so that everything is built again.
RECIPE = "5"

# Line of a .pth file that puts a layer after the function's code and before the runtime's own packages, as on AWS.
POINTER = "import os, sys; sys.path.insert(sys.path.index(os.environ['LAMBDA_TASK_ROOT']) + 1, {path!r})\n"

# Age after which an unused package is deleted; hardly any local AWS runs for longer.
KEPT_SECONDS = 3 * 86400

# Files in a layer's folder that are neither part of the layer nor change its content.
NOT_CONTENT = frozenset({"requirements.in", "Makefile"})

PROCESSORS = {"arm64": "aarch64", "x86_64": "x86_64"}
# The C library of Lambda's system: Amazon Linux 2 up to Python 3.11, Amazon Linux 2023 (glibc 2.34) after it.
AMAZON_LINUX_2 = "manylinux2014"
AMAZON_LINUX_2023 = "manylinux_2_34"
LAST_ON_AMAZON_LINUX_2 = (3, 11)


@dataclass(frozen=True)
class Target:
    """The platform that a package is built for. `name` distinguishes targets; `options` are uv's, to choose wheels.

    `compiler` is the interpreter that compiles bytecode; without it, one of `version` is searched for when needed.
    """

    name: str
    options: tuple[str, ...] = ()
    compiler: Path | None = None
    version: str = ""

    @classmethod
    def local(cls, python: Path = RUNTIME) -> Self:
        """Return the target for local functions: this machine and the interpreter that runs them."""
        name = f"{sys.implementation.cache_tag}-{sysconfig.get_platform()}"
        return cls(name, ("--python", str(python)), python)

    @classmethod
    def on_lambda(cls, runtime: str, architecture: str) -> Self:
        """Return the target for a Lambda runtime (`python3.13`) and architecture (`arm64`, `x86_64`).

        Raises BuildFailed for any other.
        """
        if architecture not in PROCESSORS:
            raise BuildFailed(f"architecture {architecture!r} is not one of Lambda's: {', '.join(PROCESSORS)}")
        version = runtime.removeprefix("python")
        major, _, minor = version.partition(".")
        if not runtime.startswith("python3.") or not minor.isdigit():
            raise BuildFailed(f"runtime {runtime!r} is not a Python runtime of Lambda; write it as python3.13")
        system = AMAZON_LINUX_2 if (int(major), int(minor)) <= LAST_ON_AMAZON_LINUX_2 else AMAZON_LINUX_2023
        platform = f"{PROCESSORS[architecture]}-{system}"
        options = ("--python", sys.executable, "--python-version", version, "--python-platform", platform)
        return cls(f"{runtime}-{architecture}", options, version=version)


def chosen(runtime: str, architecture: str) -> Target:
    """Return a deployment's target: Lambda, or this machine if MAKERTASKS_TARGET is `here`; raises BuildFailed.

    A local AWS needs the latter, because it runs functions on this machine.
    """
    here = os.environ.get("MAKERTASKS_TARGET") == "here"
    return Target.local() if here else Target.on_lambda(runtime, architecture)


def layer_zip(folder: Path, target: Target, cache: Path = CACHE) -> Path:
    """Return a layer's zip file for local functions, built only if its content has changed; raises BuildFailed.

    It contains only a .pth file that points to the layer's content in `cache`: MiniStack unpacks every layer at every
    cold start and writes all of them whenever it stops, which would take seconds.
    """
    if not folder.is_dir():
        raise BuildFailed(f"the layer's folder {folder} does not exist")
    digest = archives.digest(folder, RECIPE, target.name, str(cache.resolve()), without=NOT_CONTENT)
    path = cache / f"layer-{folder.name}-{digest}.zip"
    content = path.with_suffix("")
    if not (path.exists() and content.exists()):
        with _staging(cache) as staged:
            build_layer(folder, target, staged / "content")
            compile_folder(staged / "content", target)
            if not content.exists():  # another process may have been faster
                (staged / "content").rename(content)
            pointer = staged / f"zip/python/lib/python{sysconfig.get_python_version()}/site-packages/{folder.name}.pth"
            pointer.parent.mkdir(parents=True)
            pointer.write_text(POINTER.format(path=str(content.resolve() / "python")))
            archives.write_zip(path, staged / "zip", [pointer])
    _keep(path)
    return path


def code_zip(folder: Path, target: Target, cache: Path = CACHE) -> Path:
    """Return the zip file of a code root, built only if its content has changed."""
    path = cache / f"code-{folder.name}-{archives.digest(folder, RECIPE, target.name, metadata.version('jinja2'))}.zip"
    if not path.exists():
        with _staging(cache) as staged:
            _copy(folder, staged)
            compile_code(staged, target)
            archives.write_zip(path, staged, [*archives.files(staged), *staged.rglob("__pycache__/*.pyc")])
    _keep(path)
    return path


def build_layer(folder: Path, target: Target, into: Path) -> None:
    """Build a layer in the folder `into`; raises BuildFailed."""
    _copy(folder, into, without=NOT_CONTENT | {"requirements.txt"})
    requirements = folder / "requirements.txt"
    if requirements.exists():
        _install(folder.name, requirements, target, into / "python")
        _trim(into / "python")


def _install(name: str, requirements: Path, target: Target, into: Path) -> None:
    # --only-binary: no library's build steps run; they would build for this machine instead of the target.
    command: list[str | Path] = [
        UV,
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--require-hashes",
        "--only-binary",
        ":all:",
    ]
    done = subprocess.run(
        [*command, "--target", into, *target.options, "-r", requirements],
        check=False,
        capture_output=True,
        text=True,
        env={variable: value for variable, value in os.environ.items() if variable != "VIRTUAL_ENV"},
    )
    if done.returncode:
        raise BuildFailed(f"layer {name} for {target.name}: {_reason(done.stderr)}")


def _reason(output: str) -> str:
    """Return the error that uv printed, in one line."""
    address = re.search(r"Failed to fetch: `?([^\s`]+)", output)
    if address:
        return f"{address[1]} cannot be reached; building a layer for the first time needs the network"
    lines = (re.sub(r"^[^\w`]+", "", line) for line in output.splitlines())  # uv draws a tree before the text
    return " ".join(lines) or "uv failed without a message"


def _trim(python: Path) -> None:
    """Remove files that no function imports: tests, programs, type stubs and the installer's records."""
    for path in list(python.rglob("*")):
        if path.is_dir() and path.name in {"tests", "test", "bin", "__pycache__"}:
            shutil.rmtree(path)
        elif path.suffix == ".pyi" or path.name in {"INSTALLER", "RECORD", "REQUESTED", "direct_url.json", ".lock"}:
            path.unlink()


@cache
def interpreter(version: str) -> Path | None:
    """Return a Python of exactly this version, as its bytecode requires: this one, an installed one, or uv's download.

    Without one, print a warning and return None: the build then has no bytecode. If a deployment has already searched,
    MAKERTASKS_PYTHON has the result, empty for none.
    """
    if (known := os.environ.get("MAKERTASKS_PYTHON")) is not None:
        return Path(known) if known else None
    if version == "{}.{}".format(*sys.version_info):
        return Path(sys.executable)
    for command in ("find", "install"):
        if command == "install":
            subprocess.run([UV, "python", "install", "--quiet", version], check=False, capture_output=True)
        found = subprocess.run(
            [UV, "python", "find", "--no-project", version], check=False, capture_output=True, text=True
        )
        if found.returncode == 0:
            return Path(found.stdout.strip())
    print(
        f"warning: Python {version} is not installed, and uv could not download it: functions are deployed without "
        "bytecode, so cold starts take about twice as long",
        file=sys.stderr,
    )
    return None


def compile_code(folder: Path, target: Target) -> None:
    """Compile a code root's page templates to Python modules, and everything to bytecode; raises BuildFailed.

    The templates are compiled by the development environment's Jinja, which has the version in the layer `pages`.
    """
    if (folder / PAGES).is_dir():
        command = [sys.executable, "-c", "from api.pages import rendering; rendering.compile_templates()"]
        path = os.pathsep.join(map(str, (folder, LAYERS / "makertasks/python")))
        given = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=given)
        if done.returncode:
            raise BuildFailed(f"the pages' templates could not be compiled: {done.stderr}")
    compile_folder(folder, target)


def compile_folder(folder: Path, target: Target) -> None:
    """Put bytecode beside the sources, because functions cannot store any: /opt and /var/task are read-only.

    It is not checked at run time: unpacking gives every file a new time, and the content never changes. Equal sources
    give equal bytes, because one process compiles them in a fixed order with a fixed hash seed.
    """
    if compiler := target.compiler or (interpreter(target.version) if target.version else None):
        command: list[str | Path] = [compiler, "-m", "compileall", "-q", "-f", "-j", "1"]
        options: list[str | Path] = ["--invalidation-mode", "unchecked-hash", "-s", folder, "-p", "/"]
        subprocess.run([*command, *options, folder], check=True, env={**os.environ, "PYTHONHASHSEED": "0"})


def _keep(path: Path) -> None:
    """Mark a zip file as used, and delete its other versions that have been unused for KEPT_SECONDS."""
    path.touch()
    present = path.stat().st_mtime  # by the file system's clock, like the times of the other files
    for old in path.parent.glob(f"{path.name.rpartition('-')[0]}-*.zip"):
        if present - old.stat().st_mtime > KEPT_SECONDS:
            old.unlink(missing_ok=True)
            shutil.rmtree(old.with_suffix(""), ignore_errors=True)


def _copy(folder: Path, into: Path, without: frozenset[str] = frozenset()) -> None:
    for path in archives.files(folder):
        relative = path.relative_to(folder)
        if relative.as_posix() not in without:
            (into / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, into / relative)


@contextmanager
def _staging(cache: Path) -> Iterator[Path]:
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix=".building-") as folder:
        yield Path(folder)


def main() -> int:
    """Build one layer for AWS. The target is the template's default unless the environment sets another."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.packages", description=main.__doc__)
    parser.add_argument("layer", help="folder under layers/")
    parser.add_argument("into", type=Path, help="folder to build it in")
    arguments = parser.parse_args()
    try:
        target = chosen(
            os.environ.get("MAKERTASKS_RUNTIME") or parameter_default("Runtime"),
            os.environ.get("MAKERTASKS_ARCHITECTURE") or parameter_default("Architecture"),
        )
        build_layer(LAYERS / arguments.layer, target, arguments.into)
        compile_folder(arguments.into, target)
    except LocalAwsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
