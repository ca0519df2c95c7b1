import uuid

from django.db import models


class Category(models.Model):  # noqa: DJ008 - nobody reads it
    name = models.CharField(max_length=100)
    color = models.CharField(max_length=7, blank=True)


class InventoryItem(models.Model):  # noqa: DJ008 - as above
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=200)
    sku = models.CharField(max_length=100, blank=True)
    category = models.ForeignKey(Category, null=True, on_delete=models.SET_NULL)
    current_stock = models.IntegerField(default=0)
    minimum_stock = models.IntegerField(default=0)
    is_active = models.BooleanField(default=True)
    updated_at = models.DateTimeField(auto_now=True)


class Supplier(models.Model):  # noqa: DJ008 - as above
    name = models.CharField(max_length=200)


class ItemSupplier(models.Model):  # noqa: DJ008 - as above
    item = models.ForeignKey(InventoryItem, on_delete=models.CASCADE)
    supplier = models.ForeignKey(Supplier, on_delete=models.CASCADE)
    unit_cost = models.DecimalField(max_digits=10, decimal_places=2, null=True)
