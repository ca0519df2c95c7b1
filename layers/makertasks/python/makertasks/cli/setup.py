"""configure, policy, celery-settings, site-secret: one-time setup."""

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
    app.command("site-secret")(site_secret)


def configure(
    stack: Annotated[str, typer.Option(help="Name of the CloudFormation stack.")],
    as_json: output.AsJson = False,
) -> None:
    """Save the stack's configuration for this user.

    Reads the stack's outputs. The file is private to the user and holds no credentials.
    """
    values = configuration.values_of(stack)
    file = configuration.write(values)
    if as_json:
        output.print_json({"file": str(file), "environment": values})
    else:
        output.facts(values)
        output.say(f"written to {file}")


def policy(as_json: output.AsJson = False) -> None:  # noqa: ARG001 - the output is always JSON
    """Print the IAM policy that the Python client needs."""
    from makertasks.contrib.celery import settings as clients  # noqa: PLC0415 - loads boto3

    configuration.load()
    output.print_json(clients.client_policy())


def celery_settings(
    policy: Annotated[
        bool, typer.Option("--policy", help="Print the client's IAM policy instead of the settings.")
    ] = False,
    inventory: Annotated[
        bool, typer.Option("--inventory", help="With --policy: also allow sending and receiving inventory changes.")
    ] = False,
    results: Annotated[
        bool, typer.Option("--results", help="With --policy: also allow reading large results, which are in S3.")
    ] = False,
    as_json: output.AsJson = False,
) -> None:
    """Print the settings for a stock Celery client.

    Paste them into a Django project's settings.py.
    """
    from makertasks.contrib.celery import settings as celery  # noqa: PLC0415 - loads boto3

    configuration.load()
    if policy:
        output.print_json(celery.policy(inventory=inventory, results=results))
    elif as_json:
        output.print_json(celery.celery_settings())
    else:
        typer.echo(celery.django_settings(), nl=False)


def site_secret(
    keep_old: Annotated[bool, typer.Option("--keep-old", help="Keep signing with the current secret as well.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Create and print the secret that signs webhooks.

    It is stored encrypted in Parameter Store, where the sending function reads it. With --keep-old each webhook carries
    both signatures until the next call, so the site accepts it before it has the new secret.
    """
    import base64  # noqa: PLC0415 - of this command alone
    import secrets  # noqa: PLC0415 - as above

    from makertasks import settings  # noqa: PLC0415 - as above
    from makertasks.aws import parameters  # noqa: PLC0415 - loads boto3

    configuration.load()
    name = settings.site_secret()
    made = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
    before = ((parameters.secret(name) or "").split() if keep_old else [])[:1]
    parameters.put_secret(name, " ".join([made, *before]))
    if as_json:
        output.print_json({"parameter": name, "secret": made})
    else:
        output.messages.print(f"stored in parameter {name}; set the site's MAKERTASKS_WEBHOOK_SECRET to")
        typer.echo(made)
