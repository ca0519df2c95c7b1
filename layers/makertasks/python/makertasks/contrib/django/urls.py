"""`path("makertasks/", include("makertasks.contrib.django.urls"))`: the URL to set as the stack's SiteUrl."""

from __future__ import annotations

from django.urls import path

from makertasks.contrib.django import views

app_name = "makertasks"
urlpatterns = [path("changes/", views.changes, name="changes")]
