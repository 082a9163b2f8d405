"""Visits, windows and what follows from them, as they are stored."""

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
    "FeedShown",
    "Flag",
    "ProtocolWindow",
    "ReadinessCheck",
    "Reminder",
    "ReminderDelivery",
    "Severity",
    "Visit",
    "VisitActivity",
    "VisitPlace",
    "VisitStamp",
    "VisitTiming",
    "WindowKind",
    "new_uid",
]
