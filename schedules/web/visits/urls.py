"""The addresses of visits, and of the forecast."""

from django.urls import path

from schedules.web.visits.forecast import forecast, forecast_end
from schedules.web.visits.views import unscheduled, visit_deed, visit_detail

urlpatterns = [
    path("visits/<int:pk>/", visit_detail, name="visit"),
    path("visits/<int:pk>/<slug:deed>/", visit_deed, name="visit-deed"),
    path("participants/<int:pk>/unscheduled/", unscheduled, name="unscheduled"),
    path("forecast/", forecast, name="forecast"),
    path("forecast/end/<int:pk>/", forecast_end, name="forecast-end"),
]
