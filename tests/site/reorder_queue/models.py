"""The part of OpenMakerSuite's models of this name that its tasks read."""

from django.db import models


class ReorderRequest(models.Model):
    item = models.ForeignKey("inventory.InventoryItem", on_delete=models.CASCADE)
    quantity = models.PositiveIntegerField(default=1)
    status = models.CharField(max_length=20, default="pending")
    requested_at = models.DateTimeField(auto_now_add=True)
    ordered_at = models.DateTimeField(null=True, blank=True)
    actual_delivery = models.DateField(null=True, blank=True)
    order_number = models.CharField(max_length=100, blank=True)
    updated_at = models.DateTimeField(auto_now=True)
