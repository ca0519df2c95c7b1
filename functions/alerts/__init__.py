"""Alerts: finds problems, and sends them by e-mail or webhook."""
