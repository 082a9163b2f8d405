"""The addresses of what finds things, and of the keys."""

from django.urls import path

from schedules.web.find.views import find, keys

urlpatterns = [
    path("find/", find, name="find"),
    path("keys/", keys, name="keys"),
]
