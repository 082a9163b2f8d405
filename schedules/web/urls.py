"""The addresses of the coordinators' pages."""

from django.urls import include, path

from schedules.web.participants.enrolment import enrolment
from schedules.web.participants.histories import history, history_sheet, history_whole
from schedules.web.participants.periods import participant_period
from schedules.web.participants.views import participant_detail, participant_list
from schedules.web.shared.shell import choose_theme

urlpatterns = [
    path("", include("schedules.web.today.urls")),
    path("", include("schedules.web.calendar.urls")),
    path("", include("schedules.web.paper.urls")),
    path("participants/", participant_list, name="participants"),
    path("participants/enrol/", enrolment, name="enrol"),
    path("participants/<int:pk>/", participant_detail, name="participant"),
    path("participants/<int:pk>/until-transfer/", participant_period, name="participant-period"),
    path("participants/<int:pk>/history/", history, name="history"),
    path("participants/<int:pk>/history/whole/", history_whole, name="history-whole"),
    path("participants/<int:pk>/history/whole.csv", history_sheet, {"form": "csv"}, name="history-csv"),
    path("participants/<int:pk>/history/whole.xlsx", history_sheet, {"form": "xlsx"}, name="history-xlsx"),
    path("", include("schedules.web.reminders.urls")),
    path("", include("schedules.web.feeds.page_urls")),
    path("", include("schedules.web.visits.urls")),
    path("", include("schedules.web.course.urls")),
    path("", include("schedules.web.replanning.urls")),
    path("", include("schedules.web.deviations.urls")),
    path("", include("schedules.web.exchange.urls")),
    path("", include("schedules.web.setup.urls")),
    path("", include("schedules.web.trust.urls")),
    path("trail/", include("schedules.web.trust.trail_urls")),
    path("", include("schedules.web.windows.urls")),
    path("", include("schedules.web.find.urls")),
    path("", include("schedules.web.readiness.urls")),
    path("operations/", include("schedules.web.operations.urls")),
    path("theme/", choose_theme, name="theme"),
    path("i18n/", include("django.conf.urls.i18n")),
]
