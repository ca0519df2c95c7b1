"""The Celery application that a real Flower watched while its answers were recorded."""

from __future__ import annotations

import os

from celery import Celery

app = Celery("echo", broker=os.environ["FLOWER_BROKER"], backend=os.environ["FLOWER_BROKER"])
app.conf.update(
    task_send_sent_event=True, worker_send_task_events=True, task_default_queue="echo", result_extended=True
)


@app.task(name="tests.echo", bind=True, max_retries=2)
def echo(self, text, times=1):
    """Return the text; fail or retry if the text says so."""
    if text == "fail":
        raise ValueError("no")
    if text == "retry":
        raise self.retry(exc=ValueError("later"), countdown=3600)
    return {"text": text * times}
