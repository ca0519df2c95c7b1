"""What is known about tasks: listings, search, queues, workers, logs, schedules and counters."""
