"""boto3 clients: one per service and process, created on first use."""

from __future__ import annotations

from functools import cache
from threading import Lock
from typing import Any

import boto3
from botocore.config import Config
from botocore.handlers import add_expect_header
from botocore.session import Session as BotocoreSession
from botocore.session import get_session

from makertasks import settings
from makertasks.aws import service_files

# botocore builds its own long one twice for each request, which takes a seventh of a request's processor time.
USER_AGENT = f"makertasks boto3/{boto3.__version__}"
# Three attempts (AWS's standard mode: exponential backoff with jitter), and time-outs far below a function's own, so
# that a task can still report the error if a service hangs.
CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 3},
    connect_timeout=3,
    read_timeout=10,
    signature_version="s3v4",
    max_pool_connections=20,
)


making = Lock()  # creating a client is not thread-safe, using one is


@cache
def shared() -> BotocoreSession:
    """Return the process's session, also used by PynamoDB: endpoints, credentials and services are read once."""
    made = get_session()
    made.set_default_client_config(Config(user_agent=USER_AGENT))
    service_files.read_fast(made)
    return made


@cache
def _session() -> boto3.Session:
    return boto3.Session(botocore_session=shared())


def client(service: str) -> Any:
    """The process's client for `service` ("sqs", "s3", …); AWS_ENDPOINT_URL is honoured by boto3 itself."""
    with making:
        return _client(service)


@cache
def _client(service: str) -> Any:
    config = _config_of_s3() if service == "s3" else CONFIG.merge(Config(signature_version="v4"))
    made = _session().client(service, config=config)
    # Objects are small: asking S3 before sending the body (Expect: 100-continue) takes as long as sending it.
    made.meta.events.unregister("before-call.s3", add_expect_header)
    return made


def _config_of_s3() -> Config:
    """Presigned links name the bucket's own region: bucket.s3.eu-central-1.amazonaws.com.

    By default botocore signs for bucket.s3.amazonaws.com. S3 redirects from there for a new bucket's first day, and the
    signature does not hold for the address it redirects to; for regions opened since 2019 that host answers 400.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html
    """
    if settings.endpoint_of("s3"):
        return CONFIG
    return CONFIG.merge(Config(s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"}))
