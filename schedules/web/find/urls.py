"""The addresses of what finds things, and of the keys."""

from django.urls import path

from schedules.web.find.views import find, find_places, keys

urlpatterns = [
    path("find/", find, name="find"),
    path("find/<slug:kind>s/", find_places, name="find-places"),
    path("keys/", keys, name="keys"),
]
