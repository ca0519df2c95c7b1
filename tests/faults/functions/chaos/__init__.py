"""A task that fails in every way."""
