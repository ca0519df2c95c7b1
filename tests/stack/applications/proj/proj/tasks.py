from .celery import app


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
