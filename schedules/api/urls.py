"""The addresses of the API, below /api/v1/."""

from django.urls import path, re_path

from schedules.api.changes import ChangeFeed
from schedules.api.docs import Documentation, Schema
from schedules.api.histories import ParticipantHistory
from schedules.api.maps import EdcMapDetail, EdcMapList
from schedules.api.odm import OdmExchange
from schedules.api.reading.day_zero import NewcomerDayZero, ParticipantDayZero
from schedules.api.reading.follow_up import DeviationList, FlagList
from schedules.api.reading.participants import ParticipantDetail, ParticipantList
from schedules.api.reading.people import (
    ActivityList,
    AnchorList,
    CourseDetail,
    FactList,
    StepList,
    WindowList,
)
from schedules.api.reading.periods import PeriodDetail, PeriodList
from schedules.api.reading.protocols import CohortList, VersionDetail, VersionList, VersionSchedule
from schedules.api.reading.tabulation import SubjectVisits, TrialVisits
from schedules.api.reading.trials import SiteList, TrialDetail, TrialList
from schedules.api.reading.whole_trial import TrialExport
from schedules.api.records import DifferenceList, DifferenceSettled, ParticipantAnchors, ParticipantFacts
from schedules.api.replanning import ParticipantReplanning
from schedules.api.rescreening import ParticipantRescreening
from schedules.api.visit_reports import VisitDetail
from schedules.api.visits import VisitList
from schedules.api.webhooks import (
    WebhookDetail,
    WebhookList,
    WebhookMessages,
    WebhookReplay,
    WebhookSecret,
)
from trials.api.not_found import NoSuchAddress
from trials.api.oauth import revoke, token

urlpatterns = [
    path("visits", VisitList.as_view(), name="api-visits"),
    path("visits/<int:id>", VisitDetail.as_view(), name="api-visit"),
    path("changes", ChangeFeed.as_view(), name="api-changes"),
    path("deviations", DeviationList.as_view(), name="api-deviations"),
    path("differences", DifferenceList.as_view(), name="api-differences"),
    path("differences/<int:id>/settlement", DifferenceSettled.as_view(), name="api-difference-settlement"),
    path("edc-maps", EdcMapList.as_view(), name="api-edc-maps"),
    path("edc-maps/<str:trial>/<str:edc>/<str:environment>/odm", OdmExchange.as_view(), name="api-odm"),
    path("edc-maps/<str:trial>/<str:edc>/<str:environment>", EdcMapDetail.as_view(), name="api-edc-map"),
    path("flags", FlagList.as_view(), name="api-flags"),
    path("participants/<int:id>/history", ParticipantHistory.as_view(), name="api-history"),
    path("participants/<int:id>/rescreening", ParticipantRescreening.as_view(), name="api-rescreening"),
    path("participants/<int:id>/anchors", ParticipantAnchors.as_view(), name="api-anchors"),
    path("participants/<int:id>/facts", ParticipantFacts.as_view(), name="api-facts"),
    path("participants", ParticipantList.as_view(), name="api-participants"),
    path("participants/<int:id>", ParticipantDetail.as_view(), name="api-participant"),
    path("participants/<int:id>/course", CourseDetail.as_view(), name="api-course"),
    path("participants/<int:id>/day-zero", ParticipantDayZero.as_view(), name="api-day-zero"),
    path("participants/<int:id>/replanning", ParticipantReplanning.as_view(), name="api-replanning"),
    path("anchors", AnchorList.as_view(), name="api-all-anchors"),
    path("facts", FactList.as_view(), name="api-all-facts"),
    path("course-steps", StepList.as_view(), name="api-course-steps"),
    path("activities", ActivityList.as_view(), name="api-activities"),
    path("protocol-windows", WindowList.as_view(), name="api-protocol-windows"),
    path("protocol-versions", VersionList.as_view(), name="api-protocol-versions"),
    path("protocol-versions/<int:id>", VersionDetail.as_view(), name="api-protocol-version"),
    path("protocol-versions/<int:id>/schedule", VersionSchedule.as_view(), name="api-schedule"),
    path("cohorts", CohortList.as_view(), name="api-cohorts"),
    path("day-zero", NewcomerDayZero.as_view(), name="api-day-zero-newcomer"),
    path("trials", TrialList.as_view(), name="api-trials"),
    path("oauth/token", token, name="oauth-token"),
    path("oauth/revoke", revoke, name="oauth-revoke"),
    path("trials/<str:trial>/export", TrialExport.as_view(), name="api-export"),
    path("trials/<str:trial>/sdtm/sv", SubjectVisits.as_view(), name="api-sv"),
    path("trials/<str:trial>/sdtm/tv", TrialVisits.as_view(), name="api-tv"),
    path("trials/<str:trial>", TrialDetail.as_view(), name="api-trial"),
    path("webhooks", WebhookList.as_view(), name="api-webhooks"),
    path("webhooks/<int:id>", WebhookDetail.as_view(), name="api-webhook"),
    path("webhooks/<int:id>/messages", WebhookMessages.as_view(), name="api-webhook-messages"),
    path("webhooks/<int:id>/replay", WebhookReplay.as_view(), name="api-webhook-replay"),
    path("webhooks/<int:id>/secret", WebhookSecret.as_view(), name="api-webhook-secret"),
    path("site-periods", PeriodList.as_view(), name="api-site-periods"),
    path("site-periods/<int:id>", PeriodDetail.as_view(), name="api-site-period"),
    path("sites", SiteList.as_view(), name="api-sites"),
    path("schema/", Schema.as_view(), name="api-schema"),
    path("docs/", Documentation.as_view(), name="api-docs"),
    re_path(r"", NoSuchAddress.as_view(), name="api-nothing"),
]
