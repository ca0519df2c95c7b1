"""Turns uploaded files into tasks."""
