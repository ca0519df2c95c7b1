"""The site's pages: one of each item."""

from django.contrib import admin
from django.urls import path
from inventory.views import item

urlpatterns = [
    path("admin/", admin.site.urls),
    path("items/<uuid:pk>/", item),
]
