from celery.utils.log import get_task_logger

from .celery import app

logger = get_task_logger(__name__)


@app.task
def add(x, y):
    """Add two numbers."""
    return x + y


@app.task
def mul(x, y):
    return x * y


@app.task(time_limit=3600)
def xsum(numbers):
    return sum(numbers)


@app.task(rate_limit="1/s")
def greet(name):
    """Greet somebody, in the log and on standard output."""
    logger.info("greeting %s", name)
    print(f"hello {name}")
    return name
