"""The site's tasks by their names; they run on Lambda."""

from makerspace.celery import app


@app.task(name="inventory.tasks.download_image_from_url")
def download_image_from_url(item_id, image_url):
    raise AssertionError("runs on Lambda")


@app.task(name="inventory.tasks.generate_qr_code")
def generate_qr_code(item_id):
    raise AssertionError("runs on Lambda")


@app.task(name="inventory.tasks.update_average_lead_times")
def update_average_lead_times():
    raise AssertionError("runs on Lambda")
