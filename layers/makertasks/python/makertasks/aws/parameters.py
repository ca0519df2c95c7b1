"""Secrets in AWS Systems Manager's Parameter Store, the only module that talks to it; such parameters cost nothing."""

from __future__ import annotations

from contextlib import suppress

from makertasks.aws import session
from makertasks.aws.errors import Answered, asking


def secret(name: str) -> str | None:
    """Return a SecureString's value, None if there is none; raises Unavailable."""
    try:
        with asking(f"the parameter {name} was not read", "ParameterNotFound"):
            value: str = session.client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
    except Answered:
        return None
    return value


def put_secret(name: str, value: str) -> None:
    """Store a SecureString, encrypted with AWS's own key for parameters; raises Unavailable."""
    with asking(f"the parameter {name} was not stored"):
        session.client("ssm").put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)


def delete_secret(name: str) -> None:
    """Delete a parameter, if it exists; raises Unavailable."""
    with suppress(Answered), asking(f"the parameter {name} was not deleted", "ParameterNotFound"):
        session.client("ssm").delete_parameter(Name=name)
