"""The addresses of a site's calendar; /calendar/ belongs to the feeds of phones."""

from django.urls import path

from schedules.web.calendar.resources import resources
from schedules.web.calendar.views import calendar

urlpatterns = [
    path("planner/", calendar, name="calendar"),
    path("sites/<int:pk>/resources/", resources, name="resources"),
]
