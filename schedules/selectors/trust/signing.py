"""What an investigator signs of a participant: the schedule as it stands, a deviation's classification."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db.models import F, Model, QuerySet, Value
from django.db.models.functions import Concat
from django.utils.translation import gettext as _

from participants.models import Anchor, Participant
from schedules.models import Deviation, ProtocolWindow, Visit, VisitActivity
from schedules.selectors.trust.signed_names import DEVIATION_FORMS, SCHEDULE_FORMS, Names
from trials.domain.audit.signing import Content, numbered
from trials.selectors.protocols.approvals import Signable, older_forms

SCHEDULE = "participants.participant"
DEVIATION = "schedules.deviation"


def signable_schedule(participant: Participant) -> Signable:
    """A participant's schedule: version, traits, anchors, windows, and every visit with what became of it.

    Whatever of these changes voids a signature; suggestions and labels are none of them. Four
    queries, besides what the participant was read with.
    """
    content = _schedule(participant)
    rows = (
        Participant.objects.filter(pk=participant.pk),
        *(model.objects.filter(participant=participant) for model in (Anchor, Visit, VisitActivity)),
        ProtocolWindow.objects.filter(participant=participant),
    )
    related = ("trial", "site", "protocol_version")
    return Signable(
        SCHEDULE,
        participant.pk,
        content,
        participant.site,
        participant.trial,
        rows=rows,
        read_again=lambda: _schedule(Participant.objects.select_related(*related).get(pk=participant.pk)),
        older=older_forms(SCHEDULE_FORMS, lambda form: _schedule(participant, form)),
    )


def _schedule(participant: Participant, form: int = 0) -> Content:
    """The schedule in a form of signed content; in the newest where none is given."""
    form = form or max(SCHEDULE_FORMS)
    names, version = SCHEDULE_FORMS[form], participant.protocol_version
    content = {
        "record": SCHEDULE,
        "id": participant.pk,
        "participant": participant.subject_code,
        "trial": participant.trial.code,
        "site": participant.site.code,
        "protocol_version": version.label,
        "protocol_digest": version.digest,
        "traits": sorted(participant.traits),
        "anchors": _rows(Anchor, participant, names["anchors"], "code"),
        "visits": _rows(Visit, participant, names["visits"], "attempt", "target", "code"),
        "activities": _activities(participant, names["activities"]),
        "windows": _rows(ProtocolWindow, participant, names["windows"], "code"),
    }
    return numbered(content, form)


def signable_deviation(deviation: Deviation) -> Signable:
    """A deviation with its classification, which is what the signature stands for."""
    person = deviation.participant
    refusal = "" if deviation.classification else _("It is not classified yet: classify it before you sign.")
    if deviation.withdrawn_on:
        refusal = _("It was withdrawn: there is no classification to sign.")
    related = ("participant__site", "participant__trial", "protocol_version")
    return Signable(
        DEVIATION,
        deviation.pk,
        _deviation(deviation),
        person.site,
        person.trial,
        refusal,
        rows=(Deviation.objects.filter(pk=deviation.pk),),
        read_again=lambda: _deviation(Deviation.objects.select_related(*related).get(pk=deviation.pk)),
        older=older_forms(DEVIATION_FORMS, lambda form: _deviation(deviation, form)),
    )


def _deviation(deviation: Deviation, form: int = 0) -> Content:
    """The deviation in a form of signed content; in the newest where none is given."""
    form = form or max(DEVIATION_FORMS)
    person = deviation.participant
    content = {
        "record": DEVIATION,
        "id": deviation.pk,
        "participant": person.subject_code,
        "trial": person.trial.code,
        "site": person.site.code,
        "protocol_version": deviation.protocol_version.label,
        **{
            name: _plain(getattr(deviation, kept))
            for name, kept in DEVIATION_FORMS[form]["deviation"].items()
        },
    }
    return numbered(content, form)


def _activities(participant: Participant, names: Names) -> list[dict[str, Any]]:
    """What was done at which visit and what was left, named by both."""
    rows = VisitActivity.objects.filter(participant=participant)
    placed = rows.annotate(at_visit=Concat("visit__code", Value("/"), "code"), at_attempt=F("visit__attempt"))
    return _named(placed.order_by("at_attempt", "at_visit"), names)


def _rows(model: type[Model], participant: Participant, names: Names, *order: str) -> list[dict[str, Any]]:
    """Rows of a participant as plain data, in the order of what is signed of them."""
    found = model._default_manager.filter(participant=participant)  # noqa: SLF001 (public by custom)
    return _named(found.order_by(*(names[name] for name in order)), names)


def _named(found: QuerySet[Any], names: Names) -> list[dict[str, Any]]:
    """Rows by the names that are signed, without what is empty."""
    return [
        {
            name: _plain(value)
            for name, value in zip(names, row, strict=True)
            if value is not None and value != ""
        }
        for row in found.values_list(*names.values())
    ]


def _plain(value: Any) -> Any:
    """A day or an instant as text; instants in UTC, so that a zone's rules change nothing."""
    return value.isoformat() if isinstance(value, date | datetime) else value
