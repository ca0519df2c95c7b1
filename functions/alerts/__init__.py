"""Alerts: finds problems, and sends them by email or webhook."""
