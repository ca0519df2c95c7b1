"""The shop's application as a site's client and a stock worker have it: settings, and nothing of ours."""

import os

from shop.celery import app

QUEUE = os.environ["QUEUE"]
app.conf.update(
    broker_url="sqs://",
    broker_transport_options={
        "region": "us-east-1",
        "predefined_queues": {QUEUE: {"url": os.environ["QUEUE_URL"]}},
        "wait_time_seconds": 1,
        "polling_interval": 0.05,
    },
    task_default_queue=QUEUE,
    result_backend=f"dynamodb://@us-east-1/{os.environ['TASKS_TABLE']}",
    task_serializer="json",
    result_serializer="json",
    accept_content=["json"],
    result_extended=True,
    task_track_started=True,
    worker_prefetch_multiplier=8,
    worker_enable_remote_control=False,
)
app.finalize(auto=True)
app.loader.import_default_modules()
