"""An item's page, which reads only the site's database and media."""

from django.http import JsonResponse
from django.shortcuts import get_object_or_404

from inventory.models import InventoryItem


def item(request, pk):
    found = get_object_or_404(InventoryItem, pk=pk)
    links = found.itemsupplier_set.order_by("pk").values_list("average_lead_time", flat=True)
    return JsonResponse(
        {
            "name": found.name,
            "image": found.image.url if found.image else None,
            "thumbnail": found.thumbnail.url if found.image else None,
            "qr_code_url": found.qr_code.url if found.qr_code else None,
            "average_lead_times": list(links),
        }
    )
