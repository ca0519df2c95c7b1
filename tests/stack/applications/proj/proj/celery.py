"""A project as Celery's own introduction has one: an application, tasks in a module, a schedule."""

from celery import Celery
from celery.schedules import crontab
from celery.signals import worker_ready

app = Celery("proj", broker="amqp://", backend="rpc://", include=["proj.tasks"])
app.conf.update(
    result_expires=3600,
    accept_content=["json", "pickle"],
    timezone="Europe/Berlin",
    beat_schedule={
        "add-every-monday-morning": {
            "task": "proj.tasks.add", "schedule": crontab(hour=7, minute=30, day_of_week=1), "args": (16, 16),
        },
        "greet-every-30-seconds": {"task": "proj.tasks.greet", "schedule": 30.0, "args": ("you",)},
    },
)  # fmt: skip


@worker_ready.connect
def greet(**_):
    print("ready")
