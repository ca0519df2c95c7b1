"""The whole stack on a local AWS of its own, for `make run` and the stack tests.

with local_stack(tmp_path) as stack:
    stack.client("s3").list_objects_v2(Bucket=stack.outputs["MediaBucketName"])
    stack.api.get("/v1/tasks", status="SUCCESS")
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from infra.local.api import Api
from infra.local.connection import read_settings
from infra.local.deploy import deploy
from infra.local.ministack import LOOPBACK, MiniStack
from infra.local.sign_in import GROUPS, SignIn
from infra.local.template import TEMPLATE

STACK_NAME = "makertasks"
# Outputs of the stack, and the environment variables from which the command line and the client read them.
CLIENT = {
    "TasksTableName": "TASKS_TABLE",
    "InventoryTableName": "INVENTORY_TABLE",
    "CountersTableName": "COUNTERS_TABLE",
    "MediaBucketName": "MEDIA_BUCKET",
}


@dataclass
class LocalStack:
    """A deployed stack: its local AWS, its name and its outputs."""

    aws: MiniStack
    name: str
    outputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def endpoint(self) -> str:
        """The address for AWS_ENDPOINT_URL."""
        return self.aws.endpoint

    @property
    def api_url(self) -> str:
        """The HTTP API's URL, to which paths such as /v1/tasks are appended. It contains `$`: quote it in a shell."""
        return api_url(self.endpoint, self.outputs)

    @property
    def environment(self) -> Path:
        """The file of shell variables with which AWS's tools and makertasks' command line use this stack."""
        return self.aws.data / "environment"

    def write_environment(self) -> None:
        """Write the file `environment`."""
        values = {name: value for name, value in read_settings().items() if name.startswith("AWS_")}
        values |= {"AWS_ENDPOINT_URL": self.endpoint, "STACK_NAME": self.name}
        values |= {variable: self.outputs[output] for output, variable in CLIENT.items()}
        self.environment.write_text("".join(f"{name}={value}\n" for name, value in values.items()))

    def client(self, service: str) -> Any:
        """Return a boto3 client with every permission."""
        return self.aws.connection.client(service)

    @cached_property
    def sign_ins(self) -> dict[str, SignIn]:
        """The sign-ins of one user per role, by the role's name; the users are created on first use."""
        return {user: SignIn.ready(self.aws.connection, self.outputs, self.aws.data, user) for user in GROUPS}

    @cached_property
    def api(self) -> Api:
        """The HTTP API, signed in as a superuser."""
        return Api(self.api_url, self.sign_ins["superuser"].token)

    @property
    def pages_url(self) -> str:
        """The pages' URL for browsers, which resolve `*.localhost` to this machine; other programs may not."""
        return self.outputs["ApiUrl"]


def api_url(endpoint: str, outputs: Mapping[str, str]) -> str:
    """Return the URL of a stack's HTTP API on a local AWS; it contains `$`, so quote it in a shell."""
    return f"{endpoint}/_aws/execute-api/{outputs['ApiId']}/$default"


def parameters(aws: MiniStack) -> dict[str, str]:
    """Return the template's parameters for local use.

    Downloads may access the local bucket, saved queries are off because the local AWS has none, and machines may sign
    in.
    """
    hosts = f"{LOOPBACK}:{aws.port} localhost:{aws.port}"
    return {
        "DownloadAllowedHosts": hosts,
        "SavedQueries": "false",
        "MachineSignIn": "true",
    }


@contextmanager
def local_stack(
    data: Path,
    *,
    port: int | None = None,
    name: str = STACK_NAME,
    template: Path = TEMPLATE,
    persist: bool = False,
    **overrides: str,
) -> Iterator[LocalStack]:
    """Start a local AWS with its folders in `data`, deploy the template, yield the stack, and stop everything.

    `overrides` are parameters of the template. Raises LocalAwsError.
    """
    with MiniStack(data, port, persist=persist) as aws:
        stack = LocalStack(aws, name, deploy(aws.connection, name, parameters(aws) | overrides, template))
        try:
            yield stack
        finally:
            if "api" in stack.__dict__:
                stack.api.close()
