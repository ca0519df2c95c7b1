"""Counts tasks by status from the stream of the tasks table."""
