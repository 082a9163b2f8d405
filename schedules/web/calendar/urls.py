"""The addresses of a site's calendar; /calendar/ belongs to the feeds of phones."""

from django.urls import path

from schedules.web.calendar.card import card
from schedules.web.calendar.paper import paper
from schedules.web.calendar.resources import resources
from schedules.web.calendar.views import calendar

urlpatterns = [
    path("planner/", calendar, name="calendar"),
    path("participants/<int:pk>/card/", card, name="visit-card"),
    path("sites/<int:pk>/paper/<slug:what>/", paper, name="paper"),
    path("sites/<int:pk>/resources/", resources, name="resources"),
]
