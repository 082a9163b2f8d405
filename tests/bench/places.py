"""Many people at many sites, made quickly in SQL: the data of `tests.bench.web`, for PostgreSQL.

One participant is enrolled and copied. A block of people is the same whatever comes after it: the people of
the first site have the same rows in the same order and states among 1,000 as among 100,000, so that what a
page of theirs reads more is due to the others. Each block is a trial of its own, since the gates of a trial
look at everybody in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

from django.db import connection, models

from participants.models import Anchor, Fact, Participant
from schedules.models import CalendarState, Deviation, Flag, ProtocolWindow, Visit
from schedules.services.enrolment.enrolling import enrol
from tests.bench.enrolment import cast_of
from tests.cast import NOW, TODAY, a_version
from tests.protocols import document_of, long_protocol
from trials.models import AuditEntry, ProtocolVersion, Site, TrialSite

AT_A_SITE, VISITS = 200, 30
COPIED = (Participant, Anchor, Visit, ProtocolWindow, CalendarState, Fact, Flag, Deviation)
FIRST_DAY, SPREAD = -430, 730
"""How many days before the first one's infusion the first copy has hers, and over how many days all have."""
BATCH = 10_000
_AGO = f"DATE '{TODAY - timedelta(days=3)}'"
_TODAY = f"DATE '{TODAY}'"
_SOON = f"DATE '{TODAY + timedelta(days=21)}'"
_DONE = f"(one.target + d.days < {_AGO} AND (d.n + one.id) % 40 <> 0)"
_LEFT = f"(one.target + d.days < {_AGO} AND (d.n + one.id) % 80 = 0)"
_STOPPED = f"(one.target + d.days > {_SOON} AND (d.n + one.id) % 300 = 0)"
_BOOKED = f"(one.target + d.days BETWEEN {_AGO} AND {_SOON} AND (d.n + one.id) % 2 = 0)"
STATES: Mapping[tuple[type[models.Model], str], str] = {
    (Anchor, "actual_on"): f"CASE WHEN one.planned_on + d.days < {_TODAY} THEN one.planned_on + d.days END",
    (Visit, "anchor_kind"): (
        f"CASE WHEN one.anchor_kind = 'planned' AND one.anchor_on + d.days < {_TODAY} "
        "THEN 'actual' ELSE one.anchor_kind END"
    ),
    (Visit, "performed_on"): f"CASE WHEN {_DONE} THEN one.target + d.days END",
    (Visit, "missed_on"): f"CASE WHEN {_LEFT} THEN one.target + d.days END",
    (Visit, "cancelled_on"): f"CASE WHEN {_STOPPED} THEN {_TODAY} - 1 END",
    (Visit, "applies"): f"NOT {_STOPPED}",
    (Visit, "booked_on"): f"CASE WHEN {_BOOKED} THEN one.target + d.days END",
    (ProtocolWindow, "judge_at"): "TIMESTAMPTZ '2100-01-01'",
    (Flag, "cleared_at"): "CASE WHEN d.n % 3 <> 0 THEN one.raised_at END",
    (Deviation, "lapsed_on"): "CASE WHEN d.n % 2 = 0 THEN one.found_on + d.days END",
    (Deviation, "lapsed_because"): "CASE WHEN d.n % 2 = 0 THEN 'inside' ELSE '' END",
}
"""What is recorded of a copy by its day: past visits done but for a few, those to come in part booked."""


def fill_places(participants: int, block: int) -> None:
    """So many people, 200 a site, in trials of a block each."""
    (enrolment,) = cast_of(1, VISITS)
    first = enrol(enrolment=enrolment, by=None)
    follow_up(first)
    places, versions = _places(first, participants // AT_A_SITE, participants // block)
    ids = {
        "places": places,
        "versions": [version.pk for version in versions],
        "trials": [version.trial_id for version in versions],
        "first": first.pk,
    }
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SET maintenance_work_mem = '256MB'")
        cursor.execute("CREATE TEMP TABLE copies (n int PRIMARY KEY, place int, trial int, days int)")
        cursor.execute(_COPIES, {"last": participants - 1, "block": block, "at": AT_A_SITE})
        cursor.execute("ANALYZE copies")
        with _without_indexes():
            for start in range(1, participants, BATCH):
                asked = {**ids, "from": start, "to": start + BATCH}
                for model in COPIED:
                    cursor.execute(_copy(model), asked)
                cursor.execute(_TRAIL, asked)
            cursor.execute(_BEGUN)
        cursor.execute("DROP TABLE copies")
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence('participants_participant', 'id'), max(id)) "
            "FROM participants_participant"
        )
        cursor.execute("RESET session_replication_role")
        cursor.execute("VACUUM ANALYZE")


def follow_up(person: Participant) -> None:
    """A fact, an open flag and a deviation."""
    Fact.objects.create(
        participant=person, kind="night-away", starts_on=TODAY, ends_on=TODAY, detail={"minutes": 40}
    )
    Flag.objects.create(
        participant=person,
        key=f"f{person.pk}",
        kind="window-at-risk",
        severity="notice",
        message="",
        raised_at=NOW,
    )
    Deviation.objects.create(
        participant=person,
        protocol_version=person.protocol_version,
        key=f"d{person.pk}",
        kind="missed",
        found_on=TODAY,
        occurred_on=TODAY,
    )


def _places(first: Participant, sites: int, trials: int) -> tuple[list[int], list[ProtocolVersion]]:
    """The ids of the sites and of a protocol version of each trial, those of the first one first."""
    new = [Site(code=f"P{n:03}", name=f"Place {n:03}", zone=first.site.zone) for n in range(1, sites)]
    places = [first.site_id, *(site.pk for site in Site.objects.bulk_create(new))]
    others = [a_version(text=document_of(long_protocol(VISITS, f"LONG-T{n}"))) for n in range(1, trials)]
    versions = [first.protocol_version, *others]
    each = sites // trials
    TrialSite.objects.bulk_create(
        TrialSite(trial_id=versions[n // each].trial_id, site_id=place) for n, place in enumerate(places) if n
    )
    return places, versions


@contextmanager
def _without_indexes() -> Iterator[None]:
    """Build the indexes that hold no constraint once, when all rows are there."""
    tables = [model._meta.db_table for model in (*COPIED, AuditEntry)]
    with connection.cursor() as cursor:
        cursor.execute(_INDEXES, [tables])
        found = cursor.fetchall()
        for name, _made in found:
            cursor.execute(f"DROP INDEX {name}")
        yield
        for _name, made in found:
            cursor.execute(made)


_INDEXES = """
    SELECT i.indexname, i.indexdef FROM pg_indexes i
    WHERE i.tablename = ANY(%s) AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conname = i.indexname)
"""
_COPIES = f"""
    INSERT INTO copies
    SELECT n, place, n / %(block)s,
         {FIRST_DAY} + (n %% %(block)s / each * {SPREAD} / %(at)s + place) %% {SPREAD}
    FROM generate_series(1, %(last)s) n, LATERAL (SELECT %(block)s / %(at)s AS each) e,
         LATERAL (SELECT n / %(block)s * each + n %% each AS place) p
"""
_TRAIL = f"""
    INSERT INTO {AuditEntry._meta.db_table}
        (at, act, actor, roles, cause, reason, action, model, object_id,
         trial_id, site_id, participant_id, old, new)
    SELECT one.at, one.act, one.actor, one.roles, one.cause, one.reason, one.action, one.model, one.object_id,
         (%(trials)s::bigint[])[1 + d.trial], (%(places)s::bigint[])[1 + d.place], %(first)s + d.n,
         one.old, one.new
    FROM copies d JOIN {AuditEntry._meta.db_table} one ON one.participant_id = %(first)s
    WHERE d.n >= %(from)s AND d.n < %(to)s ORDER BY d.n, one.id
"""


_BEGUN = f"""
    INSERT INTO {Anchor._meta.db_table} (participant_id, code, actual_on)
    SELECT a.participant_id, v.code, v.day FROM {Anchor._meta.db_table} a
    JOIN LATERAL (
        SELECT anchor_code AS code, min(anchor_on) AS day FROM {Visit._meta.db_table}
        WHERE participant_id = a.participant_id AND anchor_code = 'lymphodepletion-start' GROUP BY 1
    ) v ON true
    WHERE a.code = 'infusion' AND a.actual_on IS NOT NULL ORDER BY a.id
"""
"""Who was infused had chemotherapy before."""


def _copy(model: type[models.Model]) -> str:
    """The statement that copies the first participant's rows of a model for a batch of others."""
    fields = [field for field in model._meta.concrete_fields if not _numbered(model, field)]
    names = [f'"{field.column}"' for field in fields]
    values = [_value(model, field) for field in fields]
    owner = "id" if model is Participant else "participant_id"
    order = "" if model is CalendarState else ", one.id"
    return (
        f"INSERT INTO {model._meta.db_table} ({', '.join(names)}) SELECT {', '.join(values)} "
        f"FROM copies d JOIN {model._meta.db_table} one ON one.{owner} = %(first)s "
        f"WHERE d.n >= %(from)s AND d.n < %(to)s ORDER BY d.n{order}"
    )


def _numbered(model: type[models.Model], field: models.Field[object, object]) -> bool:
    return field.primary_key and model not in (Participant, CalendarState)


def _value(model: type[models.Model], field: models.Field[object, object]) -> str:
    """A column of a copy: days move on, what must be unique is made so."""
    column = f'one."{field.column}"'
    if (state := STATES.get((model, field.column))) is not None:
        return state.replace("%", "%%")
    if field.column == "participant_id" or (model is Participant and field.primary_key):
        return f"{column} + d.n"
    special = {
        "uid": "gen_random_uuid()::text",
        "subject_code": "'S' || lpad((d.place % 100)::text, 2, '0') || '-' || d.n".replace("%", "%%"),
        "key": "'copy-' || d.n",
        "trial_id": "(%(trials)s::bigint[])[1 + d.trial]",
        "protocol_version_id": "(%(versions)s::bigint[])[1 + d.trial]",
        "site_id": "(%(places)s::bigint[])[1 + d.place]",
    }
    if field.column in special:
        return special[field.column]
    if isinstance(field, models.DateTimeField):
        return f"{column} + d.days * interval '1 day'"
    return f"{column} + d.days" if isinstance(field, models.DateField) else column
