"""Submission: a validated task becomes a PENDING record and a message."""
