"""The addresses of the bell, the rules of reminders, and pauses."""

from django.urls import path

from schedules.web.reminders.bell import choose_language, reminder_act, reminders, reminders_read
from schedules.web.reminders.pauses import coordinator, pause_end, pause_own, pause_participant, pause_trial
from schedules.web.reminders.rules import rule, rules, site_rules

urlpatterns = [
    path("reminders/", reminders, name="reminders"),
    path("reminders/read/", reminders_read, name="reminders-read"),
    path("reminders/pause/", pause_own, name="reminders-pause"),
    path("reminders/pauses/<int:pk>/end/", pause_end, name="reminders-pause-end"),
    path("reminders/<int:pk>/<slug:act>/", reminder_act, name="reminder-act"),
    path("sites/<int:pk>/reminders/", site_rules, name="site-reminder-rules"),
    path("trials/<int:pk>/reminders/", rules, name="reminder-rules"),
    path("trials/<int:pk>/reminders/pause/", pause_trial, name="trial-pause"),
    path("trials/<int:pk>/reminders/<slug:kind>/", rule, name="reminder-rule"),
    path("participants/<int:pk>/reminders/pause/", pause_participant, name="participant-pause"),
    path("participants/<int:pk>/coordinator/", coordinator, name="participant-coordinator"),
    path("i18n/setlang/", choose_language, name="set_language"),
]
