"""The pages on which people set up their calendars, and files of visits for anyone without a subscription."""

from django.urls import path

from schedules.web.feeds.downloads import visit_file, week_file
from schedules.web.feeds.site_pages import site_calendar_end, site_calendar_switch, site_calendars
from schedules.web.feeds.subscriptions import (
    calendar_change,
    calendar_end,
    calendar_new,
    calendar_pause,
    calendar_replace,
    own_calendars,
)

urlpatterns = [
    path("calendars/", own_calendars, name="own-calendars"),
    path("calendars/new/", calendar_new, name="own-calendar-new"),
    path("calendars/week/", week_file, name="week-file"),
    path("calendars/<int:pk>/change/", calendar_change, name="own-calendar-change"),
    path("calendars/<int:pk>/pause/", calendar_pause, name="own-calendar-pause"),
    path("calendars/<int:pk>/end/", calendar_end, name="own-calendar-end"),
    path("calendars/<int:pk>/replace/", calendar_replace, name="own-calendar-replace"),
    path("sites/<int:pk>/calendars/", site_calendars, name="site-calendars"),
    path("sites/<int:pk>/calendars/switch/", site_calendar_switch, name="site-calendar-switch"),
    path("sites/<int:pk>/calendars/end/", site_calendar_end, name="site-calendar-end"),
    path("visits/<int:pk>/visit.ics", visit_file, name="visit-file"),
]
