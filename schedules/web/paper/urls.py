"""The addresses of what is printed."""

from django.urls import path

from schedules.web.paper.card import card
from schedules.web.paper.lists import paper

urlpatterns = [
    path("participants/<int:pk>/card/", card, name="visit-card"),
    path("sites/<int:pk>/paper/<slug:what>/", paper, name="paper"),
]
