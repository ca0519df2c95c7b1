"""The whole stack, deployed once from template.yaml to its own local AWS."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.local.stack import LocalStack, local_stack

SLOWEST = ("test_deploy.py", "test_schemathesis.py", "test_stock_celery.py", "test_rights.py", "test_new_task.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slowest files first, so that no worker runs one of them alone at the end."""
    items.sort(key=lambda item: item.path.name not in SLOWEST)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with local_stack(tmp_path_factory.mktemp("aws")) as deployed:
        yield deployed
