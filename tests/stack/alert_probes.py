"""What the alerts' function does, as probes of its role (see probes.py)."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from makertasks import clock
from tests.stack.deliveries import QR_CODE, put_record
from tests.stack.rights import Bench, Role


def put_alert(bench: Bench, name: str, **attributes: Any) -> None:
    """An alert as the API stores it."""
    moment = clock.text(datetime.now(UTC))
    chosen = {"form": "json", "address": "-", "kinds": ["dead_letter"], "recoveries": False, "who": "probe"}
    bench.put("counters", {"period": "alerts", "cell": name, "moment": moment, **chosen, **attributes})


def checks_for_every_kind(bench: Bench, role: Role) -> None:
    """A kind of problem that cannot be checked ends the run with an error."""
    put_record(bench, str(uuid.uuid4()), QR_CODE, status="PENDING")
    put_alert(bench, "probe-kinds", kinds=["new_cause", "queue_stuck", "schedule_missed", "dead_letter"])
    bench.invoke(role, {})


def posts_to_a_webhook(bench: Bench, role: Role) -> None:
    """The function reads the webhook URL, and refuses to post to this internal one."""
    parameter = {"Name": f"/{bench.stack.name}/alerts/probe-post", "Value": "https://127.0.0.1/probe"}
    bench.stack.client("ssm").put_parameter(Type="SecureString", Overwrite=True, **parameter)
    put_alert(bench, "probe-post")
    assert "not a public web server" in bench.invoke(role, {"test": "probe-post"})["detail"]


def mails(bench: Bench, role: Role) -> None:
    address = "probe@example.org"
    topic = bench.physical["Alerts"]
    bench.stack.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint=address)
    put_alert(bench, "probemail", form="email", address=address)
    outcome = bench.invoke(role, {"test": "probemail"})
    assert outcome["delivered"], outcome


def unsubscribes(bench: Bench, role: Role) -> None:
    """The API asks for it when the last alert of an address is deleted."""
    address = f"{uuid.uuid4().hex[:8]}@example.org"
    bench.stack.client("sns").subscribe(TopicArn=bench.physical["Alerts"], Protocol="email", Endpoint=address)
    assert bench.invoke(role, {"unsubscribe": address}) == {"unsubscribed": True}
