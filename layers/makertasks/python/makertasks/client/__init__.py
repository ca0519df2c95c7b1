"""The Python client: send tasks, follow and combine them."""
