"""One action on many tasks."""
