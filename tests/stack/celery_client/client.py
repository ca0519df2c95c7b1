"""A Django site's Celery application as in OpenMakerSuite; only its settings come from makertasks."""

import json
import os
from pathlib import Path

from celery import Celery

app = Celery("config")
app.conf.update(**json.loads(Path(os.environ["CELERY_SETTINGS"]).read_text()))


@app.task(name="inventory.tasks.generate_qr_code")
def generate_qr_code(item_id):
    raise AssertionError("runs on Lambda")


@app.task(name="inventory.tasks.generate_index_card")
def generate_index_card(item_id):
    raise AssertionError("runs on Lambda")


@app.task(name="inventory.tasks.update_average_lead_times")
def update_average_lead_times():
    raise AssertionError("runs on Lambda")


@app.task(name="inventory.tasks.download_image_from_url")
def download_image_from_url(item_id, image_url):
    """Only a stock worker runs this."""
    return {"by": "a stock worker", "value": image_url}


@app.task(name="tests.calculate")
def calculate(value=None, operation="give", amount=0):
    raise AssertionError("runs on Lambda")


if os.environ.get("WITH_MAKERTASKS"):  # the package next to stock Celery
    from makertasks.contrib.celery.client import MakertasksControl, use_queue_delays

    app.control = MakertasksControl(app)
    use_queue_delays()
