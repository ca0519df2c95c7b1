"""Reading: lists of tasks, search, queues, workers, logs, schedules and counters."""
