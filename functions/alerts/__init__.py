"""Alerts: finds problems, and mails or posts them."""
