"""The costs of the stack on AWS: dollars per million tasks of each kind, monthly costs by tasks per day, fixed costs.

    python -m infra.costs            rewrites the tables of docs/costs.md, and prints what a month costs

Every figure is measured here (make bench), counted in the code or assumed, and says which.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from dataclasses import dataclass
from functools import cache
from math import exp
from pathlib import Path

from infra import tables
from infra.local import template
from infra.prices import (
    FREE_ALARMS,
    OTHERS,
    SERVER_MONTH,
    Units,
    after_free,
    dollars,
    times,
    together,
    units_of,
)

DOCUMENT = Path(__file__).resolve().parents[1] / "docs/costs.md"

WHOLE_PROCESSOR_MB = 1769  # Lambda gives a whole processor at this memory size, and a share of one below
# Assumed: duration of a call to an AWS service in the same region, and its own work on a whole processor.
CALL_SECONDS = 0.008
CALL_CPU_SECONDS = 0.002
# Assumed: starting an environment takes a second of work on the share that it has; Lambda bills that. One is kept for
# about ten minutes: a kind whose tasks come one by one, n a day, finds none in a share e^(-n/144) of cases.
START_SECONDS = 1.0
KEPT_A_DAY = 144
# Counted (tests/engine/test_requests.py): a task's two lines; Lambda's own three of each invocation; two lines and a
# metric of task_events for a batch.
LOG_BYTES = 1_110
INVOCATION_LOG_BYTES = 260
COUNTING_LOG_BYTES = 1_110
STREAM_SECONDS = 0.05  # assumed: task_events for one batch, at 512 MB
DAYS = 30.4
POLL_SECONDS = 20
# Assumed: five people sign in during a month, and look at 50 pages a day together. A token of a program is valid for an
# hour (template.yaml), and a program that runs all day asks for one whenever it expires.
PEOPLE = 5
PAGES_A_DAY = 50
TOKENS_A_DAY = 24
# Measured (make bench: write_units; tests/engine/test_write_units.py): a record of 1 KB with its indexes from PENDING
# to SUCCESS; counting it alone, and among 50; a day's roll-up of one name (the day and the totals in one transaction).
RECORD_WRITES = 8
COUNTING = 1
COUNTING_TOGETHER = 0.02
ROLL_UP = 4
# Measured likewise: an expiring task is removed from its hour. DynamoDB's own deletion is free, but task_events is
# invoked for it, and writes a line. Assumed: those of tasks that came alone expire alone.
FORGETTING = 1
FORGETTING_READS = 2  # counted: the hour's cell, and a check whether its day is noted for the sweep
FORGETTING_LOG_BYTES = 410  # counted: a line of task_events
# Measured (tests/engine/test_requests.py): requests of a warm QR task whose item has its code, alone and in a batch of
# ten. The model adds one for a change of the item.
QR_CALLS = 4
QR_CALLS_TOGETHER = 3.1
ITEM_CALLS = 1
# Lambda's pollers per queue, and their minimum if few messages arrive, which does not apply to a mapping with a
# maximum concurrency. https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
POLLERS = 5
FEWEST_POLLERS = 2


@dataclass(frozen=True)
class Kind:
    """One kind of task. Counts are per task."""

    name: str
    memory_mb: int  # template.yaml
    cpu_ms: float  # measured on one of two cores (make bench: overhead for the engine, cards, pictures, lead_times)
    waits_ms: float = 0  # assumed: time spent waiting for services other than AWS
    batch: int = 1  # template.yaml: maximum messages per invocation; a backlog fills it
    own_writes: float = 0  # counted: write units of the task's own writes, mostly an item's attributes
    reads: float = 0.0
    puts: int = 0
    gets: int = 0
    stored_kb: float = 0.0
    calls: float = 0  # counted, a QR code's measured: requests to AWS
    calls_together: float | None = None  # the same in a full batch, if fewer

    def parts(self, *, backlog: bool) -> dict[str, Units]:
        """Units of one task by part; with a backlog, batches are full."""
        share = min(self.memory_mb / WHOLE_PROCESSOR_MB, 1.0)
        calls = self.calls_together if backlog and self.calls_together else self.calls
        seconds = (self.cpu_ms / 1000 + calls * CALL_CPU_SECONDS) / share
        seconds += self.waits_ms / 1000 + calls * CALL_SECONDS
        batch = self.batch if backlog else 1
        counted_with = 100 if backlog else 1  # tasks whose changes one invocation of task_events counts
        # Received, deleted and, a tenth each, polled for in vain; sent one by one, or ten at a time by scripts.
        requests = (2.2 / batch) + (0.1 if backlog else 1.0)
        counting = COUNTING_TOGETHER if backlog else COUNTING
        streams = 2 / counted_with  # invocations of task_events: for the task's life, and when it expires
        gb_seconds = seconds * self.memory_mb / 1024 + streams * STREAM_SECONDS / 2
        writes = RECORD_WRITES + self.own_writes + counting + FORGETTING / counted_with
        logs = COUNTING_LOG_BYTES + FORGETTING_LOG_BYTES + 2 * INVOCATION_LOG_BYTES
        return {
            "Lambda, time": units_of(lambda_gb_second=gb_seconds),
            "Lambda, requests": units_of(lambda_request=1 / batch + streams),
            "SQS": units_of(sqs_request=requests),
            "DynamoDB, writes": units_of(write_unit=writes),
            "DynamoDB, reads": units_of(read_unit=self.reads + (2 + FORGETTING_READS) / counted_with),
            "S3": units_of(s3_put=self.puts, s3_get=self.gets),
            "Logs": units_of(logs_gb=(LOG_BYTES + INVOCATION_LOG_BYTES / batch + logs / counted_with) / 1e9),
            "Kept a month": units_of(table_gb_month=1.2e-6, s3_gb_month=self.stored_kb / 1e6),
        }

    def start(self, tasks_a_day: float) -> Units:
        """Units per task for starting environments, by the number of tasks a day."""
        share = min(self.memory_mb / WHOLE_PROCESSOR_MB, 1.0)
        seconds = START_SECONDS / share * exp(-tasks_a_day / KEPT_A_DAY)
        return units_of(lambda_gb_second=seconds * self.memory_mb / 1024)


KINDS = (
    Kind(
        "generate_qr_code",
        1769,
        4.0,
        batch=10,
        reads=1,
        puts=1,
        stored_kb=1,
        own_writes=1,
        calls=QR_CALLS + ITEM_CALLS,
        calls_together=QR_CALLS_TOGETHER + ITEM_CALLS,
    ),
    Kind("generate_index_card", 1769, 9.6, batch=5, reads=2, puts=1, gets=1, stored_kb=15, own_writes=1, calls=7),
    Kind("download_image_from_url", 1769, 55.0, 700, reads=2, puts=2, gets=5, stored_kb=900, own_writes=2, calls=12),
    Kind("update_average_lead_times, 1,000 links", 1024, 250.0, reads=40, own_writes=200, calls=30),
)
# A mixed day: shares of QR codes, cards and downloads; lead times run once a night.
MIX = (0.5, 0.3, 0.2)


def month(tasks_a_day: float) -> Units:
    """A month's units for tasks of a mixed day, for the idle stack, and for the people who look after it."""
    counts = (*(share * tasks_a_day for share in MIX), 1.0)
    found = [part for _, part in standing_parts()]
    found.append(people())
    for kind, count in zip(KINDS, counts, strict=True):
        each = together([*kind.parts(backlog=False).values(), kind.start(count)])
        found.append(times(each, DAYS * count))
        # Each night one day is rolled up, and one whose tasks expire; a note names them, written once and deleted once.
        found.append(units_of(write_unit=DAYS * min(count, 1) * (2 * ROLL_UP + 2)))
    # The metric Failed is paid by the hour: n tasks a day meet a share 1 - e^(-n/24) of the hours.
    found.append(units_of(metric_month=1 - exp(-sum(counts) / 24)))
    return together(found)


@cache
def polled() -> tuple[int, int]:
    """Task queues that Lambda polls in a stack with default parameters: without and with a maximum concurrency."""
    free = limited = 0
    for _, function in template.resources(template.load(), "AWS::Serverless::Function"):
        for event in function.get("Events", {}).values():
            if event["Type"] == "SQS":
                is_limited = "MaximumConcurrency" in event["Properties"].get("ScalingConfig", {})
                free, limited = free + (not is_limited), limited + is_limited
    return free, limited


def standing_parts() -> list[tuple[str, Units]]:
    """A month's units of an idle stack: pollers of queues, and the sweep every five minutes."""
    free, limited = polled()
    polls = 86_400 / POLL_SECONDS * DAYS
    resources = template.load()["Resources"].values()
    alarms = sum(each["Type"] == "AWS::CloudWatch::Alarm" and "Condition" not in each for each in resources)
    # counted: five queries, seven small notes read and four written, one read of the dead-letter queue
    sweep: Units = units_of(
        lambda_request=1, lambda_gb_second=0.15 / 2, read_unit=11.5, write_unit=4, sqs_request=1, logs_gb=900e-9
    )
    return [
        (f"{free} queues polled by {FEWEST_POLLERS} pollers each", units_of(sqs_request=free * FEWEST_POLLERS * polls)),
        (f"{limited} queue with a maximum concurrency, by {POLLERS}", units_of(sqs_request=limited * POLLERS * polls)),
        ("The sweep, every five minutes", times(sweep, 288 * DAYS)),
        (f"{alarms} alarms, of which {FREE_ALARMS} are free", units_of(alarm_month=max(alarms - FREE_ALARMS, 0))),
    ]


def page() -> Units:
    """Units of showing the overview once."""
    # counted: lengths of about ten queues, 25 read units; assumed: 0.15 s at 512 MB, 20 KB per response
    once: Units = units_of(
        api_request=1, lambda_request=1, lambda_gb_second=0.15 / 2, sqs_request=10, read_unit=25, gb_out=20e-6
    )
    return once


def page_open() -> Units:
    """A month's units of one overview left open: it is updated every ten seconds."""
    return times(page(), 86_400 / 10 * DAYS)


def people() -> Units:
    """A month's units of the people who look after the stack: signing in, and pages."""
    return together([units_of(user_month=PEOPLE), times(page(), PAGES_A_DAY * DAYS)])


def machine() -> Units:
    """A month's units of one program that signs in by itself, with a new token whenever the last one expires."""
    return units_of(machine_client_month=1, machine_token=TOKENS_A_DAY * DAYS)


def table(*, backlog: bool) -> list[str]:
    """Dollars per million tasks as a Markdown table."""
    columns = [{part: dollars(units) for part, units in kind.parts(backlog=backlog).items()} for kind in KINDS]
    lines = ["| | " + " | ".join(kind.name for kind in KINDS) + " |", "|---|" + "---:|" * len(columns)]
    lines += [
        f"| {part} | " + " | ".join(f"{parts[part] * 1e6:.2f}" for parts in columns) + " |" for part in columns[0]
    ]
    lines.append("| **Total** | " + " | ".join(f"**{sum(parts.values()) * 1e6:.2f}**" for parts in columns) + " |")
    return lines


def row(name: str, units: Units) -> str:
    """A row with both columns."""
    return f"| {name} | {dollars(units):.2f} | {after_free(units):.2f} |"


def standing_table() -> list[str]:
    """Dollars a month of an idle stack, by part; the free tier is the account's, so only the total includes it."""
    parts = [f"| {name} | {dollars(units):.2f} | |" for name, units in standing_parts()]
    total = together([units for _, units in standing_parts()])
    return ["| | list price | after the always-free tier |", "|---|---:|---:|", *parts, row("**Total**", total)]


def months() -> list[str]:
    """Dollars a month by tasks a day."""
    lines = ["| tasks a day | list price | after the always-free tier |", "|---:|---:|---:|"]
    lines += [row(f"{number:,}", month(number)) for number in (0, 300, 3_000, 10_000, 100_000, 1_000_000)]
    return [*lines, row("300, and one program with `MachineSignIn`", together([month(300), machine()]))]


def others() -> list[str]:
    """Return the monthly costs of the alternatives."""
    rows = [f"| {name} | {price:.2f} | {better} | {worse} |" for name, price, better, worse in OTHERS]
    return ["| Instead | a month | Better where | Worse where |", "|---|---:|---|---|", *rows]


def break_even() -> int:
    """Tasks per day above which one server of that size would be cheaper, if it could run them."""
    return bisect_left(range(10_000_000), SERVER_MONTH, key=lambda number: dollars(month(number)))


def document(text: str) -> str:
    """docs/costs.md with new tables."""
    made = {
        "one by one": table(backlog=False),
        "backlog": table(backlog=True),
        "standing": standing_table(),
        "months": months(),
        "others": others(),
        "page": [
            f"One overview left open and visible for a whole month costs {dollars(page_open()):.2f} by list price."
        ],
        "break-even": [f"The server is cheaper above about {round(break_even(), -2):,} tasks a day."],
    }
    return tables.filled(text, made)


def main() -> int:
    """Write the tables of docs/costs.md, and print the bill."""
    DOCUMENT.write_text(document(DOCUMENT.read_text()))
    sys.stdout.write("\n".join(["A month where nothing is done", *standing_table(), "", *months(), ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
