"""compose.yaml, as far as it can be tested without Docker: it is valid, both containers read the same settings file,
and services listen only on loopback."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
import yaml

from infra.local.connection import read_settings
from tests.template import ROOT, template

SERVICES = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]


def test_both_services_read_their_settings_from_the_same_file():
    assert {service["env_file"] for service in SERVICES.values()} == {"localstack.env"}
    assert (ROOT / "localstack.env").is_file()


def test_the_services_listen_only_on_loopback():
    for service in SERVICES.values():
        assert [port.rpartition(":")[0] for port in service["ports"]] == ["127.0.0.1:4566"]


def test_the_images_sources_exist():
    for line in SERVICES["ministack"]["build"]["dockerfile_inline"].splitlines():
        if line.startswith("COPY "):
            assert all((ROOT / source).is_file() for source in line.split()[1:-1]), line


def test_the_compose_file_matches_its_schema():
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_every_image_has_a_version():
    images = [service["image"] for service in SERVICES.values() if "image" in service]
    images += re.findall(r"(?m)^FROM (\S+)", SERVICES["ministack"]["build"]["dockerfile_inline"])
    assert len(images) == len(SERVICES)
    for image in images:
        assert re.search(r":\d+\.\d+", image), image


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_does_not_override_common_settings(name):
    common = read_settings()
    own = SERVICES[name]["environment"]
    assert {key: own[key] for key in own.keys() & common.keys()} == {
        key: common[key] for key in own.keys() & common.keys()
    }


def test_the_function_runtime_is_the_one_of_the_template():
    runtime = template()["Parameters"]["Runtime"]["Default"].removeprefix("python")
    assert f"FROM python:{runtime}-slim" in SERVICES["ministack"]["build"]["dockerfile_inline"]
