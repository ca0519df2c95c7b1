"""The command, its groups and its exit codes.

0   done
1   the task that was waited for ended as FAILURE or REVOKED
2   what was asked for is wrong: an option, an argument, a name
3   there is no such task, queue, schedule or file
4   AWS refused or did not answer; trying again later is right
5   it is not known where the stack is: makertasks configure --stack NAME
6   the time to wait ran out; the task goes on
130 interrupted
"""

from __future__ import annotations

import sys
from typing import Any

import typer

from makertasks.cli import control, events, inspection, output, sending, setup, upkeep, viewing
from makertasks.client import configuration
from makertasks.errors import InvalidRequest, MakertasksError, NotFound, PassingError, Unavailable

# The first that fits decides.
EXIT_CODES: list[tuple[type[BaseException], int]] = [
    (InvalidRequest, 2),
    (NotFound, 3),
    (configuration.NotConfigured, 5),
    (TimeoutError, 6),
    (Unavailable, 4),
    (PassingError, 4),
    (MakertasksError, 2),
]

# What to do about an error of AWS's own tools, by what it says.
HINTS = {
    "Unable to locate credentials": "give them as for AWS's tools: `aws configure`, AWS_PROFILE or AWS_ACCESS_KEY_ID",
    "Could not connect to the endpoint": "is the network there, and does AWS_ENDPOINT_URL say the right place?",
    "is not authorized to perform": "commands have the rights of your AWS identity: ask for this one",
    "You must specify a region": "name it: AWS_DEFAULT_REGION=eu-central-1, or in the profile",
    "ExpiredToken": "the credentials have expired: sign in again",
}

app = typer.Typer(
    name="makertasks",
    help="OpenMakerSuite's background tasks on AWS Lambda: send them, look at them, control them.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 AWS refused, 5 not configured, 6 too late.",
)
for module in (sending, viewing, events, inspection, control, upkeep, setup):
    module.register(app)


def run(arguments: list[str] | None = None) -> None:
    """Run the command line and exit."""
    try:
        app(arguments, prog_name="makertasks")
    except (MakertasksError, TimeoutError) as error:
        _say(str(error))
        sys.exit(exit_code(error))
    except aws_errors() as error:
        _say(f"AWS refused: {error}")
        sys.exit(4)


def _say(error: str) -> None:
    output.messages.print(f"error: {error}", style="red", markup=False)
    for said, hint in HINTS.items():
        if said in error:
            output.messages.print(f"hint: {hint}", markup=False)


def exit_code(error: BaseException) -> int:
    """The exit code of an error."""
    return next(code for kind, code in EXIT_CODES if isinstance(error, kind))


def aws_errors() -> Any:
    """What boto3 raises."""
    from makertasks.aws.errors import BOTO3_ERRORS  # noqa: PLC0415 - slow, and not needed for --help

    return BOTO3_ERRORS
