"""The part of OpenMakerSuite's models of this name that its tasks read and write."""

import uuid

from django.db import models
from imagekit.models import ImageSpecField
from imagekit.processors import ResizeToFit


class Location(models.Model):
    name = models.CharField(max_length=100, unique=True)


class Supplier(models.Model):
    name = models.CharField(max_length=200)


class Category(models.Model):
    name = models.CharField(max_length=100, unique=True)
    color = models.CharField(max_length=7, blank=True, default="")


class InventoryItem(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    sku = models.CharField(max_length=100, blank=True)
    image = models.ImageField(upload_to="inventory/images/", null=True, blank=True)
    image_url = models.URLField(blank=True)
    thumbnail = ImageSpecField(
        source="image", processors=[ResizeToFit(300, 300)], format="WEBP", options={"quality": 85}
    )
    category = models.ForeignKey(Category, on_delete=models.SET_NULL, null=True, blank=True)
    location = models.ForeignKey(Location, on_delete=models.SET_NULL, null=True, blank=True)
    reorder_quantity = models.PositiveIntegerField(default=1)
    current_stock = models.PositiveIntegerField(default=0)
    minimum_stock = models.PositiveIntegerField(default=0)
    qr_code = models.ImageField(upload_to="inventory/qrcodes/", null=True, blank=True)
    is_active = models.BooleanField(default=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self):
        return self.name


class ItemSupplier(models.Model):
    item = models.ForeignKey(InventoryItem, on_delete=models.CASCADE)
    supplier = models.ForeignKey(Supplier, on_delete=models.CASCADE)
    unit_cost = models.DecimalField(max_digits=10, decimal_places=2, null=True)
    average_lead_time = models.PositiveIntegerField(default=7)
    is_primary = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    updated_at = models.DateTimeField(auto_now=True)
