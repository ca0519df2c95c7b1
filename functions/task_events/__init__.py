"""Counts changes of tasks."""
