"""The environment, read when asked and never at import. template.yaml sets these variables for every function."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from makertasks.errors import MakertasksError


class MissingSetting(MakertasksError):
    """An environment variable that must be there is not."""


def required(name: str) -> str:
    """Value of an environment variable that template.yaml sets; raises MissingSetting where it is empty."""
    value = os.environ.get(name, "")
    if not value:
        raise MissingSetting(f"the environment variable {name} is not set; template.yaml names its value")
    return value


def endpoint_of(service: str) -> str:
    """Where boto3 finds a service that is not AWS's own; empty on AWS."""
    return os.environ.get(f"AWS_ENDPOINT_URL_{service.upper()}") or os.environ.get("AWS_ENDPOINT_URL", "")


def stack() -> str:
    """Name of the CloudFormation stack: the prefix of every queue's name."""
    return required("STACK_NAME")


def tasks_table() -> str:
    """Name of the DynamoDB table with one item a task."""
    return required("TASKS_TABLE")


def inventory_table() -> str:
    """Name of the DynamoDB table with items, supplier links and reorder requests."""
    return required("INVENTORY_TABLE")


def counters_table() -> str:
    """Name of the DynamoDB table with the counts of tasks by hour, name and status."""
    return required("COUNTERS_TABLE")


def bucket() -> str:
    """Name of the S3 bucket with images, QR codes, cards, uploads and imports."""
    return required("MEDIA_BUCKET")


def makes_schedules() -> bool:
    """Whether this process may make schedules: functions do, clients leave it to them."""
    return bool(os.environ.get("DELAYS_ROLE"))


def delays_role() -> str:
    """ARN of the role with which one-time schedules send the messages of delayed tasks."""
    return required("DELAYS_ROLE")


def build() -> str:
    """Digest of what is deployed; empty where no deployment has computed one."""
    return os.environ.get("BUILD", "")


def idempotency_hours() -> float:
    """Hours for which an idempotency key stands for the task it was first used for."""
    return float(os.environ.get("IDEMPOTENCY_HOURS", "") or 24)


def sweep_patience() -> float:
    """Return the seconds after which the sweep recovers an overdue task."""
    return float(os.environ.get("SWEEP_PATIENCE_SECONDS", "") or 600)


def search_step() -> float:
    """Return the seconds after which a search of tasks shows how far it came, and goes on with another request."""
    return float(os.environ.get("SEARCH_STEP_SECONDS", "") or 0.2)


def frontend_url() -> str:
    """Base address of the OpenMakerSuite front end, without trailing slash; QR codes hold {this}/scan/{item id}."""
    return required("FRONTEND_URL").rstrip("/")


def site_url() -> str:
    """Address of the site's view that receives changes; empty where the site pulls them."""
    return os.environ.get("SITE_URL", "")


def site_secret() -> str:
    """Name of the parameter with the secret that signs what is posted to the site."""
    return f"/{stack()}/site-secret"


def alerts_topic() -> str:
    """ARN of the SNS topic that mails alerts."""
    return required("ALERTS_TOPIC")


def alerts_function() -> str:
    """ARN of the alias of the function that evaluates alerts."""
    return required("ALERTS_FUNCTION")


def alert_secret(name: str) -> str:
    """Name of the parameter with the address of an alert's webhook."""
    return f"/{stack()}/alerts/{name}"


def allowed_hosts() -> frozenset[str]:
    """Hosts (`name` or `name:port`) that downloads may reach although their address is private; for local use."""
    return frozenset(host for host in os.environ.get("DOWNLOAD_ALLOWED_HOSTS", "").replace(",", " ").split() if host)


def trusted_authorities() -> str | bool:
    """File of certificate authorities for webhooks, by requests' own variable; True: those that browsers trust."""
    return os.environ.get("REQUESTS_CA_BUNDLE") or True


def download_contact() -> str:
    """Whom a server's operator can ask about downloads (an address of the web or of mail); empty where not set."""
    return os.environ.get("DOWNLOAD_CONTACT", "")


def lead_time_rule() -> str:
    """How lead times are measured: `supplier`, or `openmakersuite` for the same numbers as the site's own task."""
    return os.environ.get("LEAD_TIME_RULE") or "supplier"


def key_shards() -> int:
    """Partitions that the tasks of one name and hour, or of one final status and hour, are spread over: 1 to 64."""
    return int(os.environ.get("KEY_SHARDS") or 1)


def retention_days(status: str) -> float | None:
    """Days after which an ended task's record goes, by status (`RETENTION_DAYS_SUCCESS`); None keeps it for ever."""
    value = os.environ.get(f"RETENTION_DAYS_{status}", "")
    return float(value) if value and float(value) > 0 else None


def code_root() -> Path:
    """The folder that holds a folder for each function, whose `handler.py` declares its task.

    Lambda names it; where this package is installed, a copy of the tasks' folders is in it. Raises MissingSetting.
    """
    if named := os.environ.get("LAMBDA_TASK_ROOT"):
        return Path(named)
    installed = importlib.util.find_spec("makertasks.functions")
    if installed is None or not installed.submodule_search_locations:
        raise MissingSetting(
            "LAMBDA_TASK_ROOT is not set, and this copy of makertasks has no tasks in it: install the package, or set "
            "LAMBDA_TASK_ROOT to the checkout's folder `functions`"
        )
    return Path(next(iter(installed.submodule_search_locations)))


def code_package() -> str:
    """What stands before a task's folder in the name of its module."""
    return "" if os.environ.get("LAMBDA_TASK_ROOT") else "makertasks.functions."


def api_address() -> str:
    """Address of the HTTP API as browsers reach it, without trailing slash."""
    return required("API_ADDRESS").rstrip("/")


def user_pool_issuer() -> str:
    """Who issues the user pool's tokens: the claim `iss`."""
    return required("USER_POOL_ISSUER")


def user_pool_address() -> str:
    """Where the user pool's keys are: its issuer, or the same path on AWS_ENDPOINT_URL."""
    issuer, endpoint = user_pool_issuer(), os.environ.get("AWS_ENDPOINT_URL", "")
    return f"{endpoint.rstrip('/')}/{issuer.rpartition('/')[2]}" if endpoint else issuer


def user_pool_clients() -> frozenset[str]:
    """Ids of the user pool's app clients whose tokens carry people's groups."""
    return frozenset(required("USER_POOL_CLIENTS").split())


def browser_client() -> str:
    """Id of the app client that browsers sign in with."""
    return required("BROWSER_CLIENT")


def sign_in_address() -> str:
    """Base address of the user pool's login pages: its domain, or AWS_ENDPOINT_URL."""
    return (os.environ.get("AWS_ENDPOINT_URL") or required("SIGN_IN_ADDRESS")).rstrip("/")
