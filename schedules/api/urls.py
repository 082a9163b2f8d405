"""The addresses of the API, below /api/v1/."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView

from schedules.api.docs import Documentation
from schedules.api.participants import ParticipantDetail
from schedules.api.visits import VisitList

urlpatterns = [
    path("visits", VisitList.as_view(), name="api-visits"),
    path("participants/<int:pk>", ParticipantDetail.as_view(), name="api-participant"),
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", Documentation.as_view(), name="api-docs"),
]
