"""configure, policy, celery-settings: what is done once."""

from __future__ import annotations

from typing import Annotated

import typer

from makertasks.cli import output
from makertasks.client import configuration


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(configure)
    app.command()(policy)
    app.command("celery-settings")(celery_settings)


def configure(
    stack: Annotated[str, typer.Option(help="Name of the CloudFormation stack.")],
    as_json: output.AsJson = False,
) -> None:
    """Write where the stack is into the configuration file.

    It is found by the stack's outputs; the file is the user's own, and holds no credentials.
    """
    values = configuration.values_of(stack)
    file = configuration.write(values)
    if as_json:
        output.print_json({"file": str(file), "environment": values})
    else:
        output.facts(values)
        output.messages.print(f"written to {file}")


def policy(as_json: output.AsJson = False) -> None:  # noqa: ARG001 - it is JSON anyway
    """Print the IAM policy that the Python client needs."""
    from makertasks.contrib.celery import settings as clients  # noqa: PLC0415 - loads boto3

    configuration.load()
    output.print_json(clients.client_policy())


def celery_settings(
    policy: Annotated[bool, typer.Option("--policy", help="Print the client's IAM policy instead.")] = False,
    inventory: Annotated[bool, typer.Option("--inventory", help="With the right to send inventory changes.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Print the settings for a stock Celery client.

    As lines for a Django project's settings.py.
    """
    from makertasks.contrib.celery import settings as celery  # noqa: PLC0415 - loads boto3

    configuration.load()
    if policy:
        output.print_json(celery.policy(inventory=inventory))
    elif as_json:
        output.print_json(celery.celery_settings())
    else:
        typer.echo(celery.django_settings(), nl=False)
