"""The addresses of setting up; they come before those of trials, whose last one takes any word."""

from django.urls import path

from schedules.web.setup.views import (
    setup,
    site_change,
    site_new,
    trial_names,
    trial_new,
    trial_sites,
    version,
)

urlpatterns = [
    path("setup/", setup, name="setup"),
    path("sites/new/", site_new, name="site-new"),
    path("sites/<int:pk>/names/", site_change, name="site-names"),
    path("trials/new/", trial_new, name="trial-new"),
    path("trials/versions/<int:pk>/", version, name="trial-version"),
    path("trials/<int:pk>/sites/", trial_sites, name="trial-sites"),
    path("trials/<int:pk>/names/", trial_names, name="trial-names"),
]
