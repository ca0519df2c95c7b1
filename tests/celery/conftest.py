"""These tests run where stock Celery is installed: `.local/celery-oldest` and `.local/celery-newest`."""

import importlib.util

if importlib.util.find_spec("kombu") is None:  # the project's own environment has no Celery, on purpose
    collect_ignore_glob = ["test_*.py"]
else:
    from shop_on_lambda import shop  # noqa: F401 - a fixture
