"""The addresses of the Today page, and of what is done on it in place."""

from django.urls import path

from schedules.web.today.acts import record_as_booked, visit_act
from schedules.web.today.flag_acts import today_flag_act
from schedules.web.today.views import changes_read, recounted, today, view_delete, view_save
from schedules.web.today.worklist import worklist_page

urlpatterns = [
    path("", today, name="today"),
    path("worklist/", worklist_page, name="worklist"),
    path("today/visits/<int:pk>/<slug:act>/", visit_act, name="today-act"),
    path("today/record/", record_as_booked, name="today-record"),
    path("today/flags/<int:pk>/<slug:act>/", today_flag_act, name="today-flag"),
    path("today/counts/", recounted, name="today-counts"),
    path("today/views/", view_save, name="today-view-save"),
    path("today/views/<int:pk>/delete/", view_delete, name="today-view-delete"),
    path("today/read/", changes_read, name="today-read"),
]
