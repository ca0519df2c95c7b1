"""The costs of the stack on AWS: dollars per million tasks of each kind, monthly costs by tasks per day, fixed costs.

    python -m infra.costs            rewrites the tables of docs/costs.md, and prints the monthly costs

A comment says of every figure whether it was measured (make bench), counted in the code or assumed.
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

WHOLE_PROCESSOR_MB = 1769  # Lambda allocates one whole processor at this memory size, and a share of it below
# Assumed: duration of a call to an AWS service in the same region, and the processor time that it takes.
CALL_SECONDS = 0.008
CALL_CPU_SECONDS = 0.002
# Assumed: starting an environment takes one second of a whole processor, and longer on a share of it; Lambda bills
# that. An idle environment is kept for about ten minutes: for n single tasks a day, a share of e^(-n/144) finds none.
START_SECONDS = 1.0
KEPT_A_DAY = 144
# Counted (tests/engine/test_requests.py): two log lines per task; Lambda's own three per invocation; two lines and a
# metric of task_events per batch.
LOG_BYTES = 1_110
INVOCATION_LOG_BYTES = 260
COUNTING_LOG_BYTES = 1_110
STREAM_SECONDS = 0.05  # assumed: task_events for one batch, at 512 MB
DAYS = 30.4
POLL_SECONDS = 20
# Assumed: five people sign in during a month, and together view 50 pages a day. A program's token is valid for an hour
# (template.yaml), and a program that runs all day requests a new one every hour.
PEOPLE = 5
PAGES_A_DAY = 50
TOKENS_A_DAY = 24
# Measured (make bench: write_units; tests/engine/test_write_units.py): write units of a 1 KB record and its indexes
# from PENDING to SUCCESS; of counting a single task, and one among 50; of a day's roll-up for one name (the day and the
# totals in one transaction).
RECORD_WRITES = 8
COUNTING = 1
COUNTING_TOGETHER = 0.02
ROLL_UP = 4
# Measured likewise: removing an expired task from its hour's counter. DynamoDB's own deletion is free, but it invokes
# task_events, which writes a log line. Assumed: tasks that were submitted one by one expire one by one.
FORGETTING = 1
FORGETTING_READS = 2  # counted: the hour's cell, and whether its day is already noted for the sweep
FORGETTING_LOG_BYTES = 410  # counted: a line of task_events
# Measured (tests/engine/test_requests.py): requests to AWS of a warm QR task whose item already has its code, alone and
# in a batch of ten. The model adds one request that changes the item.
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
    calls: float = 0  # requests to AWS: counted, but measured for QR codes
    calls_together: float | None = None  # requests per task in a full batch, if fewer

    def parts(self, *, backlog: bool) -> dict[str, Units]:
        """Return the units of one task by part; with a backlog, batches are full."""
        share = min(self.memory_mb / WHOLE_PROCESSOR_MB, 1.0)
        calls = self.calls_together if backlog and self.calls_together else self.calls
        seconds = (self.cpu_ms / 1000 + calls * CALL_CPU_SECONDS) / share
        seconds += self.waits_ms / 1000 + calls * CALL_SECONDS
        batch = self.batch if backlog else 1
        counted_with = 100 if backlog else 1  # tasks whose changes one invocation of task_events counts
        # Receiving and deleting, each with a tenth for empty polls; sending one by one, or ten at a time by scripts.
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
        """Return the units per task for starting environments, at a number of tasks a day."""
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
    """Return a month's units: tasks of a mixed day, the idle stack, and the people who look after it."""
    counts = (*(share * tasks_a_day for share in MIX), 1.0)
    found = [part for _, part in standing_parts()]
    found.append(people())
    for kind, count in zip(KINDS, counts, strict=True):
        each = together([*kind.parts(backlog=False).values(), kind.start(count)])
        found.append(times(each, DAYS * count))
        # Each night rolls up one new day and one whose tasks expire; a note of each is written once and deleted once.
        found.append(units_of(write_unit=DAYS * min(count, 1) * (2 * ROLL_UP + 2)))
    # The metric Failed is billed by the hour: n tasks a day fall into a share of 1 - e^(-n/24) of the hours.
    found.append(units_of(metric_month=1 - exp(-sum(counts) / 24)))
    return together(found)


@cache
def polled() -> tuple[int, int]:
    """Return the numbers of task queues without and with a maximum concurrency, with default parameters."""
    free = limited = 0
    for _, function in template.resources(template.load(), "AWS::Serverless::Function"):
        for event in function.get("Events", {}).values():
            if event["Type"] == "SQS":
                is_limited = "MaximumConcurrency" in event["Properties"].get("ScalingConfig", {})
                free, limited = free + (not is_limited), limited + is_limited
    return free, limited


def standing_parts() -> list[tuple[str, Units]]:
    """Return a month's units of an idle stack: polling of queues, the sweep every five minutes, and alarms."""
    free, limited = polled()
    polls = 86_400 / POLL_SECONDS * DAYS
    resources = template.load()["Resources"].values()
    alarms = sum(each["Type"] == "AWS::CloudWatch::Alarm" and "Condition" not in each for each in resources)
    # counted: five queries, seven notes read and four written, one request to the dead-letter queue
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
    """Return the units of showing the overview once."""
    # counted: lengths of about ten queues, 25 read units; assumed: 0.15 s at 512 MB, 20 KB per response
    once: Units = units_of(
        api_request=1, lambda_request=1, lambda_gb_second=0.15 / 2, sqs_request=10, read_unit=25, gb_out=20e-6
    )
    return once


def page_open() -> Units:
    """Return a month's units of one overview left open, which is updated every ten seconds."""
    return times(page(), 86_400 / 10 * DAYS)


def people() -> Units:
    """Return a month's units of the people who look after the stack: sign-ins and page views."""
    return together([units_of(user_month=PEOPLE), times(page(), PAGES_A_DAY * DAYS)])


def machine() -> Units:
    """Return a month's units of one program that signs in by itself, with a new token every hour."""
    return units_of(machine_client_month=1, machine_token=TOKENS_A_DAY * DAYS)


def table(*, backlog: bool) -> list[str]:
    """Return the Markdown table of dollars per million tasks."""
    columns = [{part: dollars(units) for part, units in kind.parts(backlog=backlog).items()} for kind in KINDS]
    lines = ["| | " + " | ".join(kind.name for kind in KINDS) + " |", "|---|" + "---:|" * len(columns)]
    lines += [
        f"| {part} | " + " | ".join(f"{parts[part] * 1e6:.2f}" for parts in columns) + " |" for part in columns[0]
    ]
    lines.append("| **Total** | " + " | ".join(f"**{sum(parts.values()) * 1e6:.2f}**" for parts in columns) + " |")
    return lines


def row(name: str, units: Units) -> str:
    """Return a table row with the list price and the price after the free tier."""
    return f"| {name} | {dollars(units):.2f} | {after_free(units):.2f} |"


def standing_table() -> list[str]:
    """Return the table of an idle stack's monthly costs; the free tier is per account, so only the total has it."""
    parts = [f"| {name} | {dollars(units):.2f} | |" for name, units in standing_parts()]
    total = together([units for _, units in standing_parts()])
    return ["| | list price | after the always-free tier |", "|---|---:|---:|", *parts, row("**Total**", total)]


def months() -> list[str]:
    """Return the table of monthly costs by tasks a day."""
    lines = ["| tasks a day | list price | after the always-free tier |", "|---:|---:|---:|"]
    lines += [row(f"{number:,}", month(number)) for number in (0, 300, 3_000, 10_000, 100_000, 1_000_000)]
    return [*lines, row("300, and one program with `MachineSignIn`", together([month(300), machine()]))]


def others() -> list[str]:
    """Return the table of the alternatives' monthly costs."""
    rows = [f"| {name} | {price:.2f} | {better} | {worse} |" for name, price, better, worse in OTHERS]
    return ["| Instead | a month | Better where | Worse where |", "|---|---:|---|---|", *rows]


def break_even() -> int:
    """Return the number of tasks per day above which the server would be cheaper, if it could run them."""
    return bisect_left(range(10_000_000), SERVER_MONTH, key=lambda number: dollars(month(number)))


def document(text: str) -> str:
    """Return the text of docs/costs.md with its tables regenerated."""
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
    """Write the tables of docs/costs.md, and print the monthly costs."""
    DOCUMENT.write_text(document(DOCUMENT.read_text()))
    sys.stdout.write("\n".join(["Monthly costs of an idle stack", *standing_table(), "", *months(), ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
