"""Participants and what is on record of them, as they are stored."""

from participants.models.course import Absence, Consent, CourseStep, EndsChoice, ProductStep
from participants.models.facts import Fact, SafetyReview
from participants.models.participant import SUBJECT_CODE, Anchor, Participant, ParticipantCoordinator
from participants.models.periods import SitePeriod

__all__ = [
    "SUBJECT_CODE",
    "Absence",
    "Anchor",
    "Consent",
    "CourseStep",
    "EndsChoice",
    "Fact",
    "Participant",
    "ParticipantCoordinator",
    "ProductStep",
    "SafetyReview",
    "SitePeriod",
]
