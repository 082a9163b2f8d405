"""The addresses of calendars; anything but a secret of the right form is not found."""

from django.urls import re_path

from schedules.web.feeds.views import feed, no_feed

urlpatterns = [
    re_path(r"^(?P<token>[A-Za-z0-9_-]{43})\.ics$", feed, name="feed"),
    re_path(r"", no_feed, name="no-feed"),
]
