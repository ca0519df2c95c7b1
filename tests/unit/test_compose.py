"""compose.yaml: what both containers need comes from the one file, and nothing listens but on loopback."""

from __future__ import annotations

import yaml

from tests.template import ROOT

SERVICES = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]


def test_both_take_their_settings_from_the_same_file():
    assert {service["env_file"] for service in SERVICES.values()} == {"localstack.env"}
    assert (ROOT / "localstack.env").is_file()


def test_only_this_machine_reaches_them():
    for service in SERVICES.values():
        assert [port.rpartition(":")[0] for port in service["ports"]] == ["127.0.0.1:4566"]


def test_what_the_image_is_made_of_is_there():
    for line in SERVICES["ministack"]["build"]["dockerfile_inline"].splitlines():
        if line.startswith("COPY "):
            assert all((ROOT / source).is_file() for source in line.split()[1:-1]), line
