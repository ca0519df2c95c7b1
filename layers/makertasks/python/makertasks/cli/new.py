"""new celery-app: add a Celery application to a checkout of this project."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Annotated

import typer

from makertasks.errors import InvalidRequest

new_commands = typer.Typer(no_args_is_help=True, help="Add a Celery application to a checkout of makertasks.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(new_commands, name="new")
    new_commands.callback()(new)
    new_commands.command("celery-app")(celery_app)


def new() -> None:
    """Make Typer keep the subcommand's name: a group with one command would become that command."""


def celery_app(
    app: Annotated[
        str, typer.Argument(metavar="APP", help="The Celery app as package.module:name, such as shop.celery:app.")
    ],
    source: Annotated[Path, typer.Option("--from", help="Folder that contains the application's package.")],
    packages: Annotated[str, typer.Option(help="Other packages that its tasks import, separated by spaces.")] = "",
    requirements: Annotated[str, typer.Option(help="Its requirements file, if not requirements.txt.")] = "",
    trial: Annotated[str, typer.Option("--try", help="Task to run on the local AWS: 'shop.tasks.add [2, 3]'.")] = "",
) -> None:
    """Add a Celery application.

    Runs `make celery-app` in the checkout.
    """
    if not Path("infra/new_application.py").exists():
        raise InvalidRequest("directory", "is not a checkout of makertasks: clone the project and run this there")
    values = {"APP": app, "FROM": str(source), "PACKAGES": packages, "REQUIREMENTS": requirements, "TRY": trial}
    given = [f"{name}={value}" for name, value in values.items() if value]
    done = subprocess.run(["make", "--no-print-directory", "celery-app", *given], check=False)  # noqa: S603, S607 - the checkout's own
    raise typer.Exit(done.returncode)
