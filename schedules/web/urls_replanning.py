"""The addresses of re-planning, of holds after chemotherapy and of a site's working days."""

from django.urls import path

from schedules.web.holds import hold, hold_act
from schedules.web.replanning import replanning, sites, working_days

urlpatterns = [
    path("participants/<int:pk>/replan/<slug:what>/", replanning, name="replan"),
    path("participants/<int:pk>/hold/", hold, name="hold"),
    path("participants/<int:pk>/hold/<slug:act>/", hold_act, name="hold-act"),
    path("sites/", sites, name="sites"),
    path("sites/<int:pk>/working-days/", working_days, name="working-days"),
]
