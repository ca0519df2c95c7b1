"""`python -m infra.local [run]`, and `token` and `url` for a running stack."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing has started yet: Ctrl-C exits at once, without a traceback

from botocore.exceptions import EndpointConnectionError

from infra.local.connection import Connection
from infra.local.deploy import outputs_of
from infra.local.errors import LocalAwsError
from infra.local.ministack import LOOPBACK, ROOT
from infra.local.run import run
from infra.local.sign_in import GROUPS, SignIn
from infra.local.stack import STACK_NAME, api_url
from infra.local.template import TEMPLATE

DEFAULT_PORT = 4566


def main() -> int:
    """Run the command; print an error in one line and return 1."""
    arguments = parse()
    data = arguments.data or ROOT / f".local/aws-{arguments.port}"
    try:
        if arguments.command in {"token", "url"}:
            asked = url(arguments.port) if arguments.command == "url" else token(data, arguments.port, arguments.user)
            print(asked)
            return 0
        return run(data, arguments.port, template=arguments.template, stay=not arguments.once)
    except LocalAwsError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 1


def parse() -> argparse.Namespace:
    """Parse the command line; its defaults come from MAKERTASKS_PORT and MAKERTASKS_DATA."""
    parser = argparse.ArgumentParser(prog="python -m infra.local", description="makertasks on a local AWS.")
    parser.add_argument(
        "command",
        nargs="?",
        choices=["run", "token", "url"],
        default="run",
        help="token and url print the API's access token and URL",
    )
    port = os.environ.get("MAKERTASKS_PORT") or str(DEFAULT_PORT)
    parser.add_argument("--port", type=int, default=port, help="port of the local AWS (MAKERTASKS_PORT, %(default)s)")
    data = os.environ.get("MAKERTASKS_DATA")
    parser.add_argument(
        "--data", type=Path, default=data, help="folder for its data (MAKERTASKS_DATA, .local/aws-PORT)"
    )
    parser.add_argument("--template", type=Path, default=TEMPLATE, help="template to deploy (template.yaml)")
    parser.add_argument(
        "--user", choices=sorted(GROUPS), default="superuser", help="user whose token is printed (%(default)s)"
    )
    parser.add_argument("--once", action="store_true", help="stop when the tasks have finished")
    return parser.parse_args()


def url(port: int) -> str:
    """Return the URL of a running stack's API; raises LocalAwsError."""
    connection = Connection(f"http://{LOOPBACK}:{port}")
    try:
        return api_url(connection.endpoint, outputs_of(connection, STACK_NAME))
    except EndpointConnectionError as error:
        raise LocalAwsError(f"no local AWS responds at {connection.endpoint}; start it with `make run`") from error


def token(data: Path, port: int, user: str) -> str:
    """Return a user's access token for a running stack's API; raises LocalAwsError."""
    connection = Connection(f"http://{LOOPBACK}:{port}")
    try:
        return SignIn.ready(connection, outputs_of(connection, STACK_NAME), data, user).token()
    except EndpointConnectionError as error:
        raise LocalAwsError(f"no local AWS responds at {connection.endpoint}; start it with `make run`") from error


if __name__ == "__main__":
    sys.exit(main())
