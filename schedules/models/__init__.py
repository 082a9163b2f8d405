"""Visits, windows and what follows from them, as they are stored."""

from schedules.models.exchange import (
    EdcEnvironment,
    EdcMap,
    EdcSubject,
    FeedEpoch,
    IdempotentAnswer,
    ValueDifference,
)
from schedules.models.feeds import (
    AlarmChoice,
    CalendarChunk,
    CalendarFeed,
    CalendarState,
    FeedShown,
    VisitStamp,
    WindowStamp,
)
from schedules.models.follow_up import (
    AmendmentRun,
    AmendmentStep,
    ChangeEvent,
    Deviation,
    DeviationClass,
    Flag,
    ReadinessCheck,
    Severity,
    VisitActivity,
)
from schedules.models.saying import Reminder, ReminderDelivery
from schedules.models.today import PREPARATIONS, LastLook, SavedView, VisitPreparation
from schedules.models.visits import (
    Basis,
    ProtocolWindow,
    Visit,
    VisitPlace,
    VisitTiming,
    WindowKind,
    new_uid,
)

__all__ = [
    "PREPARATIONS",
    "AlarmChoice",
    "AmendmentRun",
    "AmendmentStep",
    "Basis",
    "CalendarChunk",
    "CalendarFeed",
    "CalendarState",
    "ChangeEvent",
    "Deviation",
    "DeviationClass",
    "EdcEnvironment",
    "EdcMap",
    "EdcSubject",
    "FeedEpoch",
    "FeedShown",
    "Flag",
    "IdempotentAnswer",
    "LastLook",
    "ProtocolWindow",
    "ReadinessCheck",
    "Reminder",
    "ReminderDelivery",
    "SavedView",
    "Severity",
    "ValueDifference",
    "Visit",
    "VisitActivity",
    "VisitPlace",
    "VisitPreparation",
    "VisitStamp",
    "VisitTiming",
    "WindowKind",
    "WindowStamp",
    "new_uid",
]
