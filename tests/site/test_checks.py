"""`manage.py check` on wrong configurations, and links from Django admin to an item's tasks."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from inventory.models import InventoryItem

from makertasks.client import configuration
from makertasks.contrib.django.checks import check_site

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def ids() -> list[str]:
    return [found.id for found in check_site()]


def test_complete_settings_pass_the_checks(settings_of_site):
    settings_of_site.MAKERTASKS_WEBHOOK_SECRET = SECRET
    assert ids() == []


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("MAKERTASKS_MEDIA", "copies", "makertasks.E003"),
        ("MAKERTASKS_MEDIA", "bucket", "makertasks.E004"),
        ("MEDIA_ROOT", "", "makertasks.E005"),
        ("MAKERTASKS_WEBHOOK_SECRET", "", "makertasks.W006"),
        ("MAKERTASKS_WEBHOOK_SECRET", "whsec_", "makertasks.E008"),
        ("MAKERTASKS_WEBHOOK_SECRET", "whsec_a", "makertasks.E008"),
    ],
)
def test_each_wrong_setting_is_reported(settings_of_site, name, value, found):
    settings_of_site.MAKERTASKS_WEBHOOK_SECRET = SECRET
    setattr(settings_of_site, name, value)
    assert ids() == [found]


def test_a_site_without_a_stack_is_reported(monkeypatch, tmp_path):
    monkeypatch.delenv("STACK_NAME")
    monkeypatch.setenv("MAKERTASKS_CONFIG", str(tmp_path / "none"))
    configuration.load.cache_clear()
    with pytest.raises(CommandError, match="makertasks configure --stack NAME"):
        call_command("check")
    configuration.load.cache_clear()


@pytest.mark.parametrize("address", ["https://tasks.example.org/", "", "javascript:alert(1)"])
def test_an_items_admin_page_links_to_its_tasks(settings_of_site, media_bucket, address):
    settings_of_site.MAKERTASKS_DASHBOARD = address
    item = InventoryItem.objects.create(name="Drill")
    client = Client()
    client.force_login(User.objects.create_superuser("admin"))
    page = client.get(f"/admin/inventory/inventoryitem/{item.pk}/change/").content.decode()
    assert (f'href="https://tasks.example.org/items/{item.pk}"' in page) == address.startswith("https")
    assert "javascript:alert" not in page
