"""The site's pages: one of each item."""

from django.contrib import admin
from django.urls import include, path
from inventory.views import item

urlpatterns = [
    path("admin/", admin.site.urls),
    path("makertasks/", include("makertasks.contrib.django.urls")),
    path("items/<uuid:pk>/", item),
]
