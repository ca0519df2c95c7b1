from django.db import models


class Order(models.Model):
    """An order of a member's."""

    text = models.CharField(max_length=200)
