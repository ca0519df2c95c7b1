"""One delivery: a mail by SNS, or one POST to a webhook. The outcome names neither the address nor its secret."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from http import HTTPStatus

import requests
from ssrfguard import SSRFGuardError
from urllib3.exceptions import HTTPError, NameResolutionError

from alerts import messages
from alerts.messages import Message, Post
from download_image_from_url.faults import causes
from download_image_from_url.fetching import REDIRECTS, exact_target
from download_image_from_url.guarding import Deadline, GuardedAdapter, policy_for
from makertasks import settings
from makertasks.aws import parameters, topics
from makertasks.control.alerting import is_confirmed, recipient_of
from makertasks.errors import Unavailable
from makertasks.monitoring.alerts import EMAIL, StoredAlert

# Seconds for the whole delivery, and for connecting. API Gateway waits 30 s for the response to a test.
SECONDS, CONNECT_SECONDS = 10.0, 4.0

AGAIN = "Retries follow after 4, 8, 16, 32 and 64 minutes; send a test once the receiver works."
_REMEDIES: dict[int, str] = {
    401: "The receiver rejected the key: copy the webhook's address again.",
    403: "The receiver refused access: the webhook is disabled or belongs to somebody else. Create a new one.",
    404: "The webhook no longer exists: create a new one in the receiver and enter its address here.",
    410: "The webhook was removed: create a new one in the receiver and enter its address here.",
    400: "The receiver rejected the message: check that the form matches the receiver.",
    405: "The address accepts no messages: copy the webhook's own address.",
    429: f"The receiver limits the rate of messages. {AGAIN}",
}
_CHECK = "Check that the address and the form match the receiver."


@dataclass(frozen=True)
class Outcome:
    """Whether a message was delivered, and if not, why and what to do."""

    delivered: bool
    detail: str
    remedy: str = ""


def send(alert: StoredAlert, message: Message) -> Outcome:
    """Send a message and return the outcome; a failed delivery is also returned, not raised."""
    try:
        if alert.form == EMAIL:
            return _mail(alert, message)
        address = parameters.secret(settings.alert_secret(alert.cell))
    except Unavailable:
        return Outcome(False, "AWS did not accept the message", AGAIN)
    if address is None:
        return Outcome(False, "the webhook's address is missing", "Enter the webhook's address again.")
    return post(address, messages.WEBHOOKS[alert.form](message))


def _mail(alert: StoredAlert, message: Message) -> Outcome:
    topic = settings.alerts_topic()
    if not is_confirmed(alert, topics.subscriptions(topic)):
        return Outcome(
            False,
            "the email address has not confirmed its subscription",
            "Open the email from AWS Notifications and confirm the subscription. If it has not arrived, check the spam "
            "folder, or save the alert again to receive another one.",
        )
    topics.publish(topic, recipient_of(alert.address), messages.title(message), messages.plain(message))
    return Outcome(True, "passed to SNS for mailing")


_NOT_PUBLIC = Outcome(
    False,
    "the address is not allowed: it is not a public web server",
    "Alerts can be posted only to public addresses, on the ports 443 and 8443.",
)


def refusal(address: str) -> str:
    """Return why a webhook's address is refused, whatever its name resolves to; empty if it is accepted.

    This looks up no names, so each delivery checks the addresses that it connects to again.
    """
    policy = policy_for(address, settings.allowed_hosts())
    try:
        host = policy.check_url(address).host
        if number := _as_number(host):
            policy.check_address(number)
    except SSRFGuardError:
        return f"{_NOT_PUBLIC.detail}. {_NOT_PUBLIC.remedy}"
    is_own = f".{host.lower().rstrip('.')}".endswith(".localhost") and not policy.allowed_hosts
    return f"{_NOT_PUBLIC.detail}. {_NOT_PUBLIC.remedy}" if is_own else ""


def _as_number(host: str) -> str:
    """Return the IPv4 address that the system parses from a host such as 0x7f.1; empty for a name."""
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return ""


def post(address: str, what: Post) -> Outcome:
    """Post to a webhook, only at public addresses and without following redirects."""
    try:
        status = _status(address, what)
    except SSRFGuardError:
        return _NOT_PUBLIC
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        return _failed(error)
    return _answered(status)


def _status(address: str, what: Post) -> int:
    headers = {"User-Agent": "makertasks", "Connection": "close", **what.headers}
    request = requests.Request("POST", address, headers, data=what.body).prepare()
    policy = policy_for(str(request.url), settings.allowed_hosts())
    policy.check_url(str(request.url))
    with Deadline(SECONDS) as deadline:
        adapter = GuardedAdapter(policy, socket.getaddrinfo, deadline, exact_target(address))
        try:
            with adapter.send(
                request, stream=True, timeout=(CONNECT_SECONDS, SECONDS), verify=settings.trusted_authorities()
            ) as response:
                return response.status_code
        finally:
            adapter.close()


def _answered(status: int) -> Outcome:
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Outcome(True, f"the receiver answered {status}")
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
    detail = f"the receiver answered {status} {phrase}".strip()
    if status in REDIRECTS:
        return Outcome(False, detail, "The webhook has moved: enter the address that it redirects to.")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Outcome(False, detail, f"The receiver has an error. {AGAIN}")
    return Outcome(False, detail, _REMEDIES.get(status, _CHECK))


def _failed(error: Exception) -> Outcome:
    """Return the outcome for an error, without the error's own text, which contains the address."""
    for cause in causes(error):
        if isinstance(cause, NameResolutionError | socket.gaierror):
            return Outcome(False, "the receiver's host could not be looked up", f"Check its name. {AGAIN}")
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Outcome(
                False, "the receiver's certificate is not valid", "Renew the certificate, or correct the address."
            )
        if isinstance(cause, requests.Timeout | TimeoutError):
            return Outcome(False, f"the receiver did not respond within {SECONDS:g} s", AGAIN)
    return Outcome(False, "the connection to the receiver failed", AGAIN)
