"""The site's Celery application, with the settings that `makertasks celery-settings --json` printed."""

import json
import os
from pathlib import Path

from celery import Celery

app = Celery("makerspace")
if os.environ.get("CELERY_SETTINGS"):
    app.conf.update(**json.loads(Path(os.environ["CELERY_SETTINGS"]).read_text()))
