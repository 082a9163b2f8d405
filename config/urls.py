"""Every address of Dayzero, one line for each part."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from config.health import health, live, ready
from config.metrics import metrics
from config.records import leave_out_packages, open_by_roles
from schedules.web.shared.shell import records_sign_in
from trials.api.oauth import metadata

leave_out_packages()
open_by_roles()

urlpatterns = [
    path("health/", health, name="health"),
    path("health/live/", live, name="live"),
    path("health/ready/", ready, name="ready"),
    path("metrics/", metrics, name="metrics"),
    path("admin/login/", records_sign_in),
    path("admin/password_change/", RedirectView.as_view(pattern_name="account_change_password")),
    path("admin/", admin.site.urls),
    path("accounts/", include("trials.web.accounts.urls")),
    path("people/", include("trials.web.accounts.people_urls")),
    path("memberships/", include("trials.web.accounts.membership_urls")),
    path("clients/", include("trials.web.accounts.client_urls")),
    path(".well-known/oauth-authorization-server", metadata, name="oauth-metadata"),
    path("channels/", include("trials.web.channels.urls")),
    path("jobs/", include("trials.web.jobs.urls")),
    path("api/v1/", include("schedules.api.urls")),
    path("calendar/", include("schedules.web.feeds.urls")),
    path("", include("schedules.web.urls")),
]
