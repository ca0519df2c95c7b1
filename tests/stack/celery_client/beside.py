"""The application of tests/stack/functions/shop as a stock worker and a stock client have it: one queue, one table."""

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
    task_acks_late=True,  # as here: what is still in the queue has not ended
    worker_prefetch_multiplier=8,
)  # fmt: skip
app.loader.import_default_modules()
app.finalize(auto=True)  # tasks are made on first use otherwise, which several threads cannot do at once
