from celery import shared_task
from django.db import connection, transaction

from orders.models import Order


def _prepare():
    if Order._meta.db_table not in connection.introspection.table_names():
        with connection.schema_editor() as editor:
            editor.create_model(Order)


@shared_task
def place(text):
    """Place an order and say so once it is there."""
    _prepare()
    with transaction.atomic():
        order = Order.objects.create(text=text)
        count.delay_on_commit()
    return {"text": order.text, "was_open": connection.connection is not None}


@shared_task
def count():
    """Count the orders; the connection of the task before must be closed."""
    was_open = connection.connection is not None
    _prepare()
    return {"orders": Order.objects.count(), "was_open": was_open}
