"""What tests of single parts share."""

from tests.on_moto import aws, counters_table, environment, inventory_table, media_bucket, task_queues, tasks_table  # noqa: F401 - fixtures
