"""These tests run where Django is installed: `.local/celery-oldest` (4.2) and `.local/celery-newest` (5 and later).

The site is a small Django project with OpenMakerSuite's models as far as they matter; the stack is moto's AWS with the
tables, the bucket and the queues of template.yaml.
"""

from __future__ import annotations

import importlib.util
import os
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

    from tests.on_moto import *  # noqa: F403 - fixtures


@pytest.fixture(autouse=True)
def site(tmp_path, settings_of_site):
    """The site's database and media folder, empty."""
    from django.core.management import call_command
    from django.db import connections

    connections["default"].close()
    settings_of_site.DATABASES["default"]["NAME"] = connections["default"].settings_dict["NAME"] = str(
        tmp_path / "site.sqlite3"
    )
    settings_of_site.MEDIA_ROOT = str(tmp_path / "media")
    call_command("migrate", run_syncdb=True, verbosity=0)
    yield
    connections["default"].close()


@pytest.fixture
def settings_of_site():
    """Django's settings; what a test changes is undone."""
    from django.test import override_settings

    with override_settings():
        from django.conf import settings

        yield settings
