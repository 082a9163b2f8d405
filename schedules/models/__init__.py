"""Visits, windows and what follows from them, as they are stored."""

from schedules.models.exchange import (
    EdcEnvironment,
    EdcMap,
    EdcSubject,
    FeedEpoch,
    IdempotentAnswer,
    ValueDifference,
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
from schedules.models.saying import (
    CalendarFeed,
    CalendarState,
    FeedShown,
    Reminder,
    ReminderDelivery,
    VisitStamp,
)
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
    "AmendmentRun",
    "AmendmentStep",
    "Basis",
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
    "ProtocolWindow",
    "ReadinessCheck",
    "Reminder",
    "ReminderDelivery",
    "Severity",
    "ValueDifference",
    "Visit",
    "VisitActivity",
    "VisitPlace",
    "VisitStamp",
    "VisitTiming",
    "WindowKind",
    "new_uid",
]
