"""`make chromium`, the first step of `make test`, on machines with and without Chromium, root and network access."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from tests.template import ROOT

FORM = "The browser tests need Chromium, which is not installed. On Debian: sudo apt-get install -y"


@pytest.fixture
def machine(tmp_path):
    """Run `make chromium` with these programs, each a line of shell, and those that make needs."""

    def run(**programs):
        for name in ("bash", "make"):
            (tmp_path / name).symlink_to(shutil.which(name))
        for name, line in programs.items():
            (tmp_path / name.replace("_", "-")).write_text(f"#!/bin/bash\n{line}\n")
            (tmp_path / name.replace("_", "-")).chmod(0o755)
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
        return subprocess.run(  # noqa: S603 - our own target
            [tmp_path / "make", "chromium", f"BIN={tmp_path}", "MAKE=:"],
            cwd=ROOT, env=environment | {"PATH": str(tmp_path)}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


def test_a_machine_with_chromium_prints_nothing(machine):
    ran = machine(chromium="")
    assert (ran.returncode, ran.stdout) == (0, "")


def test_root_gets_chromium_from_debian(machine):
    ran = machine(id="echo 0", apt_get="echo apt-get $@ >&2")
    assert ran.returncode == 0
    assert ran.stdout.startswith(FORM)
    assert "apt-get install -y --no-install-recommends chromium-headless-shell" in ran.stderr


def test_without_root_playwrights_chromium_is_installed(machine):
    ran = machine(id="echo 1000", apt_get="exit 1", playwright="echo playwright $@")
    assert ran.returncode == 0
    assert ran.stdout.startswith(FORM)
    assert "playwright install --only-shell chromium" in ran.stdout


def test_root_without_the_debian_package_gets_playwrights_chromium_and_its_dependencies(machine):
    ran = machine(id="echo 0", apt_get="exit 100", playwright="echo playwright $@")
    assert ran.returncode == 0
    assert "playwright install --with-deps --only-shell chromium" in ran.stdout


def test_a_machine_that_cannot_install_chromium_prints_the_command(machine):
    ran = machine(id="echo 1000", playwright="exit 1")
    assert ran.returncode != 0
    assert ran.stdout.startswith(FORM)
    assert "error: Chromium could not be installed" in ran.stdout


def test_make_test_checks_for_chromium_first(machine):
    first = subprocess.run(
        ["make", "--dry-run", "--old-file=.venv/.installed", "test"],  # noqa: S607 - ours
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert first.index("The browser tests need Chromium") < first.index("ruff format")
