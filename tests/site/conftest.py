"""These tests run where Django is installed: `.local/celery-oldest` (4.2) and `.local/celery-newest` (5 and later).

The site is a small Django project with OpenMakerSuite's models as far as they matter; the stack is moto's AWS with the
tables, the bucket and the queues of template.yaml.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

import pytest

SITE = Path(__file__).parent

if importlib.util.find_spec("django") is None:  # the project's own environment has no Django, on purpose
    collect_ignore_glob = ["test_*.py"]
else:
    import django

    sys.path[:0] = [str(SITE), str(SITE.parents[1] / "functions")]
    os.environ["DJANGO_SETTINGS_MODULE"] = "makerspace.settings"
    django.setup()

    from way_back import imports, item, queue, stream  # noqa: F401 - fixtures

    from tests.on_moto import *  # noqa: F403 - fixtures


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory):
    """A database with all tables and no rows."""
    from django.core.management import call_command
    from django.db import connections

    file = tmp_path_factory.mktemp("site") / "empty.sqlite3"
    connections["default"].settings_dict["NAME"] = str(file)
    call_command("migrate", run_syncdb=True, verbosity=0)
    connections["default"].close()
    return file


@pytest.fixture(autouse=True)
def settings_of_site(tmp_path, empty_database):
    """The empty site's settings, with a separate database and media folder for each test."""
    from django.conf import settings
    from django.core.cache import cache
    from django.db import connections
    from django.test import override_settings

    cache.clear()
    connections["default"].close()
    connections["default"].settings_dict["NAME"] = str(shutil.copy(empty_database, tmp_path / "site.sqlite3"))
    with override_settings(MEDIA_ROOT=str(tmp_path / "media")):
        yield settings
    connections["default"].close()
