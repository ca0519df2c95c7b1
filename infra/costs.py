"""What tasks cost on AWS: dollars per million of each kind, by part, from measured units and list prices.

    python -m infra.costs            writes the tables of docs/costs.md anew

Every figure is either measured here (make bench), counted in the code, or assumed, and says which.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_left
from dataclasses import dataclass, field
from math import exp
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parents[1] / "docs/costs.md"

# List prices in dollars, region us-east-1, as of 2026-11-22, without any free tier. Check them where it matters:
# https://aws.amazon.com/{lambda,sqs,dynamodb,s3,cloudwatch,api-gateway,xray,ec2}/pricing/
PRICES = {
    "lambda_gb_second": 0.0000133334,  # arm64
    "lambda_request": 0.20e-6,
    "sqs_request": 0.40e-6,
    "write_unit": 0.625e-6,  # on demand
    "read_unit": 0.125e-6,
    "table_gb_month": 0.25,
    "s3_put": 5.0e-6,
    "s3_get": 0.4e-6,
    "s3_gb_month": 0.023,
    "logs_gb": 0.50,
    "api_request": 1.00e-6,
    "alarm_month": 0.10,
    "metric_month": 0.30,
    "trace": 5.0e-6,
}
# The always-on machine that Celery, Redis and Flower need: one small server with its disk and its address.
SERVER_HOUR = 0.0168  # t4g.small, 2 GB
SERVER_MONTH = SERVER_HOUR * 730 + 20 * 0.08 + 0.005 * 730  # 20 GB gp3, one public IPv4 address

# Lambda gives a whole processor at 1,769 MB, and a share of it below.
WHOLE_PROCESSOR_MB = 1769
# Assumed: what one call to an AWS service takes in the same region, and its own work on a whole processor.
CALL_SECONDS = 0.008
CALL_CPU_SECONDS = 0.002
LOG_BYTES = 1_300  # counted: two lines of the engine, one of metrics, Lambda's own three


# Counted: what makertasks.metrics and the worker write of a kind whose tasks succeed, ColdStart among them.
METRICS_OF_KIND = 7
# Pollers that Lambda keeps at a queue, and to how many it may go down where little arrives: not for a mapping with a
# maximum concurrency, which each task's queue has and no dead letter queue.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
POLLERS = 5
FEWEST_POLLERS = 2


@dataclass(frozen=True)
class Kind:
    """One kind of task. Counts are per task."""

    name: str
    memory_mb: int  # template.yaml
    cpu_ms: float  # measured on one processor of a 2-core server: make bench
    waits_ms: float = 0  # assumed: time spent waiting for others than AWS
    batch: int = 1  # template.yaml: messages an invocation at most; a backlog fills it
    writes: float = 9.06  # measured: 9 write units of the record, 0.06 of its share of a counter's cell
    reads: float = 0.0
    puts: int = 0
    gets: int = 0
    stored_kb: float = 0.0
    calls: int = field(default=0)

    def parts(self, *, backlog: bool) -> dict[str, float]:
        """Dollars of one task by part; with a backlog, batches are full."""
        share = min(self.memory_mb / WHOLE_PROCESSOR_MB, 1.0)
        seconds = (self.cpu_ms / 1000 + self.calls * CALL_CPU_SECONDS) / share
        seconds += self.waits_ms / 1000 + self.calls * CALL_SECONDS
        batch = self.batch if backlog else 1
        # Received, deleted and, a tenth each, polled for in vain; sent one by one, or by ten where a script sends.
        requests = (2.2 / batch) + (0.1 if backlog else 1.0)
        return {
            "Lambda, time": seconds * self.memory_mb / 1024 * PRICES["lambda_gb_second"],
            "Lambda, requests": PRICES["lambda_request"] / batch,
            "SQS": requests * PRICES["sqs_request"],
            "DynamoDB, writes": self.writes * PRICES["write_unit"],
            "DynamoDB, reads": self.reads * PRICES["read_unit"],
            "S3": self.puts * PRICES["s3_put"] + self.gets * PRICES["s3_get"],
            "Logs": LOG_BYTES / 1e9 * PRICES["logs_gb"],
            "Kept a month": 1.2e-6 * PRICES["table_gb_month"] + self.stored_kb / 1e6 * PRICES["s3_gb_month"],
        }


KINDS = (
    Kind("generate_qr_code", 512, 4.0, batch=10, reads=1, puts=2, stored_kb=2, writes=10.06, calls=6),
    Kind("generate_index_card", 1024, 9.6, batch=5, reads=2, puts=1, gets=1, stored_kb=15, writes=10.06, calls=7),
    Kind(
        "download_image_from_url",
        1024,
        55.0,
        waits_ms=700,
        reads=2,
        puts=2,
        gets=5,
        stored_kb=900,
        writes=11.06,
        calls=12,
    ),
    Kind("update_average_lead_times, 1,000 links", 1024, 250.0, reads=40, writes=209, calls=30),
)


def table(*, backlog: bool) -> list[str]:
    """Dollars per million tasks as a Markdown table."""
    columns = [(kind, kind.parts(backlog=backlog)) for kind in KINDS]
    lines = ["| | " + " | ".join(kind.name for kind, _ in columns) + " |", "|---|" + "---:|" * len(columns)]
    lines += [
        f"| {part} | " + " | ".join(f"{parts[part] * 1e6:.2f}" for _, parts in columns) + " |" for part in columns[0][1]
    ]
    lines.append("| **Total** | " + " | ".join(f"**{sum(parts.values()) * 1e6:.2f}**" for _, parts in columns) + " |")
    return lines


def month(tasks_a_day: float) -> float:
    """Dollars a month of a mixed day: half QR codes, 30 % cards, 20 % downloads, lead times once; and what stands."""
    counts = (0.5 * tasks_a_day, 0.3 * tasks_a_day, 0.2 * tasks_a_day, 1.0)
    tasks = sum(
        30.4 * count * sum(kind.parts(backlog=False).values()) for kind, count in zip(KINDS, counts, strict=True)
    )
    return tasks + numbers(counts) + standing()


def numbers(counts: tuple[float, ...]) -> float:
    """Dollars a month of CloudWatch's numbers, paid by the hour in which they are written; `counts` are tasks a day.

    Tasks come at any time of the day: a kind that has n a day is met in a share of 1 - e^(-n/24) of the hours.
    """
    of_kinds = sum(METRICS_OF_KIND * (1 - exp(-count / 24)) for count in counts)
    return (of_kinds + 1 - exp(-sum(counts) / 24)) * PRICES["metric_month"]  # and one of all, how many failed


def standing() -> float:
    """Dollars a month where nothing is done."""
    return sum(standing_parts().values())


def standing_parts() -> dict[str, float]:
    """The same by part: pollers of queues, alarms above the ten free ones, and the sweep every five minutes."""
    template = (DOCUMENT.parents[1] / "template.yaml").read_text()
    alarms = template.count("Type: AWS::CloudWatch::Alarm") - 1  # that of SiteUrl
    sweeps = 30.4 * 288
    sweep = (
        PRICES["lambda_request"]
        + 0.15 * 0.5 * PRICES["lambda_gb_second"]
        + 8 * PRICES["read_unit"]
        + 4 * PRICES["write_unit"]
    )
    queues = template.count("Type: AWS::SQS::Queue\n") - 3  # those of a site's changes: without SiteUrl nothing asks
    return {
        f"{queues} queues that Lambda asks for messages": queues * POLLERS * poller_month(),
        f"{alarms} alarms, ten of them free": (alarms - 10) * PRICES["alarm_month"],
        "The sweep, every five minutes, and the number it writes": sweeps * sweep + PRICES["metric_month"],
    }


def poller_month() -> float:
    """Dollars a month of one poller that finds nothing: a request every 20 seconds."""
    return 3 * 60 * 24 * 30.4 * PRICES["sqs_request"]


def standing_table() -> list[str]:
    """Dollars a month where nothing is done, by part."""
    parts = [f"| {part} | {dollars:.2f} |" for part, dollars in standing_parts().items()]
    return ["| | a month |", "|---|---:|", *parts, f"| **Total** | **{standing():.2f}** |"]


def less() -> list[str]:
    """What the pollers of one queue cost, and what fewer of them would save."""
    paid, saved = POLLERS * poller_month(), (POLLERS - FEWEST_POLLERS) * poller_month()
    return [f"One queue's pollers are {paid:.2f} a month; where Lambda goes down to two, {saved:.2f} less."]


def months() -> list[str]:
    """Dollars a month by tasks a day, beside the server."""
    lines = ["| tasks a day | here | always-on server |", "|---:|---:|---:|"]
    lines += [
        f"| {number:,} | {month(number):.2f} | {SERVER_MONTH:.2f} |"
        for number in (0, 300, 3_000, 10_000, 100_000, 1_000_000)
    ]
    return lines


def break_even() -> int:
    """Tasks a day above which one server of that size would be cheaper, if it could do them."""
    return bisect_left(range(10_000_000), SERVER_MONTH, key=month)


def document(text: str) -> str:
    """docs/costs.md with its tables made anew."""
    made = {
        "one by one": table(backlog=False),
        "backlog": table(backlog=True),
        "standing": standing_table(),
        "less": less(),
        "months": months(),
        "break-even": [f"The two lines cross at about {round(break_even(), -2):,} tasks a day."],
    }
    for name, lines in made.items():
        pattern = rf"(<!-- {name} -->\n).*?(\n<!-- end -->)"
        text = re.sub(pattern, lambda found, lines=lines: found[1] + "\n".join(lines) + found[2], text, flags=re.DOTALL)  # type: ignore[misc]  # a default in a lambda
    return text


def main() -> int:
    """Write the tables of docs/costs.md."""
    DOCUMENT.write_text(document(DOCUMENT.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
