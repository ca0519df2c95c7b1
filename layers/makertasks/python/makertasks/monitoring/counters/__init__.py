"""Counters: numbers of tasks by name and status, by hour and by day."""
