"""The application of tests/stack/functions/shop for a stock worker and client, with one queue and one table."""

import os

from shop.celery import app

QUEUE, URL, TABLE = os.environ["QUEUE"], os.environ["QUEUE_URL"], os.environ["TABLE"]
app.conf.update(
    broker_url="sqs://",
    broker_transport_options={
        "region": "us-east-1", "predefined_queues": {QUEUE: {"url": URL}},
        "polling_interval": 0.1, "wait_time_seconds": 1,
    },
    task_default_queue=QUEUE,
    result_backend=f"dynamodb://@us-east-1/{TABLE}",
    result_extended=True,
    worker_enable_remote_control=False,
    task_acks_late=True,  # as here: a message in the queue means an unfinished task
    worker_prefetch_multiplier=8,
)  # fmt: skip
app.loader.import_default_modules()
app.finalize(auto=True)  # otherwise tasks are created on first use, which is not thread-safe
