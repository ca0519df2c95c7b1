"""The parameters of a deployment: given now, stored by the previous deployment, or set for the stage.

    values = effective("prod", given=["FrontendUrl=https://inventory.example.org"], stored={})

Given values override stored ones, which override the stage's values in infra/samconfig.toml.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from infra.local.template import load, resources
from infra.stacks import Refused

CONFIG = Path(__file__).with_name("samconfig.toml")
EXAMPLE = "https://inventory.example.org"
# Computed by a deployment, so they cannot be given.
COMPUTED = frozenset({"Build", "DeletionProtection"})
ADDRESS = re.compile(r"https?://[!-~]+")


def configuration(stage: str) -> dict[str, Any]:
    """Return a stage's settings in samconfig.toml, merged with the defaults; raises Refused for an unknown stage."""
    known = tomllib.loads(CONFIG.read_text())
    stages = sorted(set(known) - {"version", "default"})
    if stage not in stages:
        raise Refused(f"infra/samconfig.toml has no stage {stage!r}; choose one of {', '.join(stages)}")
    settings: dict[str, Any] = known["default"]["deploy"]["parameters"] | known[stage]["deploy"]["parameters"]
    return settings


def given(pairs: Iterable[str]) -> dict[str, str]:
    """Return the parameters given as `Name=value`; raises Refused for anything else."""
    parameters = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise Refused(f"{pair!r} is not a parameter; write Name=value, for example FrontendUrl={EXAMPLE}")
        if name in COMPUTED:
            raise Refused(f"{name} is computed by the deployment; leave it out")
        parameters[name] = value
    return parameters


def effective(stage: str, given: Mapping[str, str], stored: Mapping[str, str]) -> dict[str, str]:
    """Return every parameter of the template with its effective value; raises Refused for a missing or invalid one."""
    defaults = {name: str(body.get("Default", "")) for name, body in load()["Parameters"].items()}
    unknown = sorted(given.keys() - defaults.keys())
    if unknown:
        raise Refused(f"template.yaml has no parameter {unknown[0]}; it has {', '.join(sorted(defaults))}")
    first = dict(pair.split("=", 1) for pair in configuration(stage).get("parameter_overrides", []))
    kept = {name: value for name, value in stored.items() if name in defaults}
    values = {**defaults, **first, **kept, **given}
    _check_shards(values, stored)
    _check_frontend(stage, values, defaults["FrontendUrl"], allowed="FrontendUrl" in first)
    return values


def limited_queues() -> int:
    """Return the number of queues that MaximumConcurrency applies to."""
    functions = [properties for _, properties in resources(load(), "AWS::Serverless::Function")]
    events = [event for properties in functions for event in properties.get("Events", {}).values()]
    return sum("MaximumConcurrency" in str(event) for event in events if event["Type"] == "SQS")


def _check_shards(values: Mapping[str, str], stored: Mapping[str, str]) -> None:
    """Raise Refused for fewer shards than before: the remaining ones would no longer be read."""
    if int(values["KeyShards"]) < int(stored.get("KeyShards", "1")):
        raise Refused(
            f"KeyShards cannot be lowered from {stored['KeyShards']} to {values['KeyShards']}: tasks would disappear "
            "from lists"
        )


def _check_frontend(stage: str, values: Mapping[str, str], default: str, *, allowed: bool) -> None:
    """Raise Refused for an invalid address or the default (localhost): printed QR codes cannot be changed."""
    address = values["FrontendUrl"]
    if address == default and not allowed:
        raise Refused(f"stage {stage} needs FrontendUrl: make deploy STAGE={stage} FrontendUrl={EXAMPLE}")
    if not ADDRESS.fullmatch(address):
        raise Refused(
            f"FrontendUrl {address!r} must begin with http:// or https:// and contain only ASCII characters and no "
            "spaces; write an international domain name in its ASCII form (xn--…) and percent-encode the rest"
        )
