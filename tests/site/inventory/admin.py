"""The site's own admin of its items."""

from django.contrib import admin

from inventory.models import InventoryItem

admin.site.register(InventoryItem)
