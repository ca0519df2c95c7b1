"""The benchmark's measurement of CPU time."""

from __future__ import annotations

import subprocess
import sys

from tests.bench import processor

BUSY = """
import time
while time.process_time() < 0.3: pass
print("done", flush=True)
input()
"""


def test_the_time_of_a_descendant_is_counted_by_its_kind():
    with subprocess.Popen(  # noqa: S603 - ours
        [sys.executable, "-c", BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={"AWS_LAMBDA_FUNCTION_NAME": "shop"},
    ) as busy:  # fmt: skip
        before: processor.Times = {}
        assert busy.stdout.readline() == "done\n"
        spent = processor.between(before, processor.times())
        busy.communicate("\n")
    assert spent["shop"] >= 0.29  # seconds; the kernel counts hundredths
