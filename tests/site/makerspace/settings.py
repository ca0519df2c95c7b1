"""Settings of the test site; what differs from run to run comes from the environment."""

import json
import os
from pathlib import Path

FOLDER = Path(os.environ.get("SITE_FOLDER", "/nonexistent"))

SECRET_KEY = "for tests alone"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "imagekit",
    "inventory",
    "reorder_queue",
    "makertasks.contrib.django",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "makerspace.urls"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(FOLDER / "site.sqlite3"),
        "OPTIONS": {"timeout": 30},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
STATIC_URL = "/static/"
MEDIA_ROOT = str(FOLDER / "media")
MEDIA_URL = "/media/"
MAKERTASKS_WEBHOOK_SECRET = os.environ.get("MAKERTASKS_WEBHOOK_SECRET", "")

# As documented in docs/openmakersuite.md for media that is served from the bucket.
if os.environ.get("SITE_STORAGES"):
    MAKERTASKS_MEDIA = "bucket"
    STORAGES = json.loads(os.environ["SITE_STORAGES"])
