"""The command, its groups and exit codes.

0   success
1   the awaited task ended as FAILURE or REVOKED
2   invalid request: an option, an argument or a name is wrong
3   not found: a task, queue, schedule or file
4   an AWS request failed; retry later
5   the stack is not configured: run makertasks configure --stack NAME
6   timed out while waiting; the task itself continues
130 interrupted
"""

from __future__ import annotations

import os
import sys
from typing import Any

import typer
import typer.core

from makertasks.cli import alerts, control, events, inspection, new, output, sending, setup, shells, upkeep, viewing
from makertasks.client import configuration
from makertasks.errors import InvalidRequest, MakertasksError, NotFound, TemporaryError, Unavailable

# The first match wins.
EXIT_CODES: list[tuple[type[BaseException], int]] = [
    (InvalidRequest, 2),
    (NotFound, 3),
    (configuration.NotConfigured, 5),
    (TimeoutError, 6),
    (Unavailable, 4),
    (TemporaryError, 4),
    (MakertasksError, 2),
]

# Hints for boto3's errors, by a phrase in their message.
HINTS = {
    "Unable to locate credentials": "set them up as for the AWS CLI: `aws configure`, AWS_PROFILE or AWS_ACCESS_KEY_ID",
    "Could not connect to the endpoint": "check the network connection and AWS_ENDPOINT_URL",
    "is not authorized to perform": "commands use your own IAM permissions: ask an administrator for this one",
    "You must specify a region": "set AWS_DEFAULT_REGION, for example to eu-central-1, or the region in your profile",
    "ExpiredToken": "the credentials have expired: sign in again",
}

# Headings of the help, with the commands listed under each.
GROUPS = {
    "Tasks": ("call", "list", "show", "result", "logs", "retry", "events", "qr-code"),
    "Workers and queues": ("status", "inspect", "control", "purge", "schedules", "alerts"),
    "Data": ("import", "cleanup", "recount"),
    "Setup": ("configure", "policy", "celery-settings", "site-secret", "new"),
}
EXAMPLES = """Examples:
  makertasks call generate_qr_code -k '{"item_id": "94cb6421-7fa1-4dab-802f-ec76eba2bfe7"}' --wait
  makertasks list --status FAILURE --from 2026-11-22
  makertasks show 3f2b1c9e-8d4a-4c6b-9a57-0f6f7f2f4f11
  makertasks control shutdown -d download_image_from_url
  makertasks events --screen

Exit codes: 0 success, 1 task failed, 2 invalid request, 3 not found, 4 AWS error, 5 not configured, 6 timed out."""


class Grouped(typer.core.TyperGroup):
    """Help that lists the commands under headings and ends with examples."""

    def format_commands(self, _ctx: Any, formatter: Any) -> None:
        """Write each group of commands."""
        width = max(map(len, self.commands))
        for heading, names in GROUPS.items():
            summaries = (self.commands[name].get_short_help_str(formatter.width - width - 6) for name in names)
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(width), said) for name, said in zip(names, summaries, strict=True)])

    def format_epilog(self, _ctx: Any, formatter: Any) -> None:
        """Write the examples as they are."""
        formatter.write(f"\n{EXAMPLES}\n")


app = typer.Typer(
    cls=Grouped,
    name="makertasks",
    help="Send, inspect and control OpenMakerSuite's background tasks on AWS Lambda.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for module in (sending, viewing, events, inspection, control, alerts, upkeep, setup, new):
    module.register(app)


def run(arguments: list[str] | None = None) -> None:
    """Run the command line and exit."""
    if shells.VARIABLE in os.environ and (found := shells.completions(typer.main.get_command(app))) is not None:
        sys.stdout.write(f"{found}\n")
        sys.exit(0)
    try:
        app(arguments, prog_name="makertasks")
    except (MakertasksError, TimeoutError) as error:
        _say(str(error))
        sys.exit(exit_code(error))
    except aws_errors() as error:
        _say(f"AWS request failed: {error}")
        sys.exit(4)


def _say(error: str) -> None:
    output.say(f"error: {error}", "red")
    for said, hint in HINTS.items():
        if said in error:
            output.say(f"hint: {hint}")


def exit_code(error: BaseException) -> int:
    """Return the exit code for an error."""
    return next(code for kind, code in EXIT_CODES if isinstance(error, kind))


def aws_errors() -> Any:
    """Return the exceptions that boto3 raises."""
    from makertasks.aws.errors import BOTO3_ERRORS  # noqa: PLC0415 - slow, and not needed for --help

    return BOTO3_ERRORS
