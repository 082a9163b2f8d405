"""The addresses of the API, below /api/v1/."""

from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView

from schedules.api.changes import ChangeFeed
from schedules.api.docs import Documentation
from schedules.api.maps import EdcMapDetail
from schedules.api.participants import ParticipantDetail, ParticipantList
from schedules.api.reading.follow_up import DeviationList, FlagList
from schedules.api.records import DifferenceList, DifferenceSettled, ParticipantAnchors, ParticipantFacts
from schedules.api.trials import SiteList, TrialDetail, TrialList
from schedules.api.visit_reports import VisitDetail
from schedules.api.visits import VisitList
from trials.api.not_found import NoSuchAddress
from trials.api.oauth import revoke, token

urlpatterns = [
    path("visits", VisitList.as_view(), name="api-visits"),
    path("visits/<int:id>", VisitDetail.as_view(), name="api-visit"),
    path("changes", ChangeFeed.as_view(), name="api-changes"),
    path("deviations", DeviationList.as_view(), name="api-deviations"),
    path("differences", DifferenceList.as_view(), name="api-differences"),
    path("differences/<int:id>/settlement", DifferenceSettled.as_view(), name="api-difference-settlement"),
    path("edc-maps/<str:trial>/<str:edc>/<str:environment>", EdcMapDetail.as_view(), name="api-edc-map"),
    path("flags", FlagList.as_view(), name="api-flags"),
    path("participants/<int:id>/anchors", ParticipantAnchors.as_view(), name="api-anchors"),
    path("participants/<int:id>/facts", ParticipantFacts.as_view(), name="api-facts"),
    path("participants", ParticipantList.as_view(), name="api-participants"),
    path("participants/<int:id>", ParticipantDetail.as_view(), name="api-participant"),
    path("trials", TrialList.as_view(), name="api-trials"),
    path("oauth/token", token, name="oauth-token"),
    path("oauth/revoke", revoke, name="oauth-revoke"),
    path("trials/<str:trial>", TrialDetail.as_view(), name="api-trial"),
    path("sites", SiteList.as_view(), name="api-sites"),
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", Documentation.as_view(), name="api-docs"),
    re_path(r"", NoSuchAddress.as_view(), name="api-nothing"),
]
