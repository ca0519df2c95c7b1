"""What tasks cost on AWS: dollars per million of each kind, by part, from measured units and list prices.

    python -m infra.costs            writes the tables of docs/costs.md anew

Every figure is either measured here (make bench), counted in the code, or assumed, and says which.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
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
    quick, card, download, lead_times = (sum(kind.parts(backlog=False).values()) for kind in KINDS)
    return 30.4 * (tasks_a_day * (0.5 * quick + 0.3 * card + 0.2 * download) + lead_times) + standing()


def standing() -> float:
    """Dollars a month where nothing is done: alarms above the ten free ones, and the sweep every five minutes."""
    template = (DOCUMENT.parents[1] / "template.yaml").read_text()
    alarms = template.count("Type: AWS::CloudWatch::Alarm")
    sweeps = 30.4 * 288
    sweep = (
        PRICES["lambda_request"]
        + 0.15 * 0.5 * PRICES["lambda_gb_second"]
        + 8 * PRICES["read_unit"]
        + 4 * PRICES["write_unit"]
    )
    # Each of the queues is asked for messages all the time: five pollers, 20 s a poll.
    queues = template.count("Type: AWS::SQS::Queue\n")
    polls = queues * 5 * 3 * 60 * 24 * 30.4 * PRICES["sqs_request"]
    return (alarms - 10) * PRICES["alarm_month"] + sweeps * sweep + polls


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
    each = (month(1000) - month(0)) / 1000
    return max(int((SERVER_MONTH - month(0)) / each), 0)


def document(text: str) -> str:
    """docs/costs.md with its tables made anew."""
    made = {
        "one by one": table(backlog=False),
        "backlog": table(backlog=True),
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
