from django.apps import AppConfig


class InventoryConfig(AppConfig):
    name = "inventory"

    def ready(self):
        from makertasks.contrib.django.changes import follow_inventory  # noqa: PLC0415 - as docs/celery.md has it

        follow_inventory()
