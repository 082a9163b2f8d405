"""The addresses of deviations, and of the screening and enrolment logs."""

from django.urls import path, re_path

from schedules.web.deviations.at_once import deviations_classify
from schedules.web.deviations.by_hand import deviation_new, deviation_new_of
from schedules.web.deviations.trial_logs import enrolments, enrolments_export, screening, screening_export
from schedules.web.deviations.views import deviation, deviation_act, deviations, deviations_export

FORM = r"(?P<form>csv|xlsx)$"

urlpatterns = [
    path("deviations/", deviations, name="deviations"),
    re_path(rf"^deviations/deviations\.{FORM}", deviations_export, name="deviations-export"),
    path("deviations/classify/", deviations_classify, name="deviations-classify"),
    path("deviations/new/", deviation_new_of, name="deviation-new-of"),
    path("participants/<int:pk>/deviation/", deviation_new, name="deviation-new"),
    path("deviations/<int:pk>/", deviation, name="deviation"),
    path("deviations/<int:pk>/<slug:act>/", deviation_act, name="deviation-act"),
    path("logs/screening/", screening, name="screening-log"),
    re_path(rf"^logs/screening\.{FORM}", screening_export, name="screening-log-export"),
    path("logs/enrolment/", enrolments, name="enrolment-log"),
    re_path(rf"^logs/enrolment\.{FORM}", enrolments_export, name="enrolment-log-export"),
]
