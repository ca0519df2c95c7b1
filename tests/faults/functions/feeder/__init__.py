"""Submits many tasks."""
