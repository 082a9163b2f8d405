"""The addresses of re-planning, of amendments and of a site's working days."""

from django.urls import path

from schedules.web.replanning.amendments import (
    amendment,
    amendment_cancel,
    amendment_new,
    amendment_retry,
    amendments,
)
from schedules.web.replanning.views import replanning, sites, working_days

urlpatterns = [
    path("participants/<int:pk>/replan/<slug:what>/", replanning, name="replan"),
    path("sites/", sites, name="sites"),
    path("sites/<int:pk>/working-days/", working_days, name="working-days"),
    path("amendments/trial/<int:pk>/", amendments, name="amendments"),
    path("amendments/trial/<int:pk>/new/", amendment_new, name="amendment-new"),
    path("amendments/<int:pk>/", amendment, name="amendment"),
    path("amendments/<int:pk>/retry/", amendment_retry, name="amendment-retry"),
    path("amendments/<int:pk>/cancel/", amendment_cancel, name="amendment-cancel"),
]
