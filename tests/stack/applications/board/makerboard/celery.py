"""A Django project's application, as Celery's documentation writes it."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "makerboard.settings")

app = Celery("makerboard")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
