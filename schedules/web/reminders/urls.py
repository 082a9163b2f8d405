"""The addresses of the bell."""

from django.urls import path

from schedules.web.reminders.bell import choose_language, reminder_act, reminders, reminders_read

urlpatterns = [
    path("reminders/", reminders, name="reminders"),
    path("reminders/read/", reminders_read, name="reminders-read"),
    path("reminders/<int:pk>/<slug:act>/", reminder_act, name="reminder-act"),
    path("i18n/setlang/", choose_language, name="set_language"),
]
