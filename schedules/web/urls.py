"""The addresses of the coordinators' pages."""

from django.urls import include, path

from schedules.web.enrolment import enrolment
from schedules.web.histories import history
from schedules.web.participants import open_participant_feed, participant_detail, participant_list
from schedules.web.shell import choose_theme
from schedules.web.today import today

urlpatterns = [
    path("", today, name="today"),
    path("participants/", participant_list, name="participants"),
    path("participants/enrol/", enrolment, name="enrol"),
    path("participants/<int:pk>/", participant_detail, name="participant"),
    path("participants/<int:pk>/history/", history, name="history"),
    path("participants/<int:pk>/calendar/", open_participant_feed, name="participant-feed"),
    path("", include("schedules.web.urls_visits")),
    path("", include("schedules.web.urls_course")),
    path("", include("schedules.web.urls_replanning")),
    path("", include("schedules.web.urls_deviations")),
    path("", include("schedules.web.urls_trust")),
    path("trail/", include("schedules.web.urls_trail")),
    path("", include("schedules.web.urls_windows")),
    path("", include("schedules.web.urls_starts")),
    path("theme/", choose_theme, name="theme"),
    path("i18n/", include("django.conf.urls.i18n")),
]
