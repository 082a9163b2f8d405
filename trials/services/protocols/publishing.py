"""Protocol documents taken in and published."""

from __future__ import annotations

import dataclasses
import re
import typing
from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db.models import F
from django.utils.translation import gettext as _

from trials.audit.acts import recorded
from trials.domain.errors import DomainError, Problem, ProtocolInvalid
from trials.domain.language import kept
from trials.domain.protocols.protocol import HalfLives, Protocol, ProtocolWindow
from trials.formats.protocols import yaml
from trials.models import Cohort, ProtocolVersion, Trial, User

REGISTRY_ID = re.compile(r"NCT\d{8}")
UPLOADED = "document"
LARGEST_TAKEN_IN = 256 * 1024
"""The shipped documents have 20 KB; `check_protocol` reads larger ones."""
_OUT_OF_THE_WAY = 1_000  # two levels never have one position, also not while they change places


class VersionPublished(DomainError):
    """A published version stands: another content needs another version."""


@recorded
def import_protocol(*, text: str, by: User | None) -> ProtocolVersion:
    """The version in a document, as a draft, with its trial and that trial's dose levels.

    The same content again gives the version that is there; a draft of the same version is
    replaced. Raises ProtocolInvalid with all faults, VersionPublished where the version was
    published with other content.
    """
    _refuse_too_large(text)
    protocol = yaml.load(text, UPLOADED).protocol
    _refuse_what_does_not_fit(protocol)
    digest = yaml.digest(protocol)
    trial, _created = Trial.objects.get_or_create(code=protocol.trial, defaults=_of_trial(protocol))
    # Made before it is locked: of a trial that is not there yet there is nothing to lock.
    Trial.objects.select_for_update(no_key=True).get(pk=trial.pk)
    found = ProtocolVersion.objects.filter(trial=trial, label=protocol.version).first()
    if found and found.digest == digest:
        return found
    if found and found.published_at:
        raise VersionPublished(
            _(
                "Version %(version)s of %(trial)s is published with other content; "
                "give the document another version."
            )
            % {"version": protocol.version, "trial": protocol.trial}
        )
    Trial.objects.filter(pk=trial.pk).update(**_of_trial(protocol))
    _set_cohorts(trial, protocol)
    version = found or ProtocolVersion(trial=trial, label=protocol.version)
    version.document, version.digest = text, digest
    version.save()
    return version


@recorded
def publish_protocol(*, version: ProtocolVersion, by: User | None, now: datetime) -> ProtocolVersion:
    """Freeze a version for good; one that is published already stands as it was.

    Raises ProtocolInvalid for a draft whose document has faults.
    """
    found = ProtocolVersion.objects.select_for_update(no_key=True).get(pk=version.pk)
    if found.published_at is None:
        found.digest = yaml.digest(yaml.load(found.document, str(found)).protocol)
        found.published_at, found.published_by = now, by
        found.save()
    return found


def _of_trial(protocol: Protocol) -> dict[str, object]:
    return {
        "title": protocol.title,
        "registry_id": protocol.trial if REGISTRY_ID.fullmatch(protocol.trial) else "",
        "planned_number": protocol.planned_number,
        "planned_end": protocol.planned_end,
    }


def _set_cohorts(trial: Trial, protocol: Protocol) -> None:
    """The document's dose levels in its order; levels that it no longer names come after them."""
    codes = [level.code for level in protocol.dose_levels]
    cohorts = Cohort.objects.filter(trial=trial)
    others = cohorts.exclude(code__in=codes).order_by("position")
    places = {code: place for place, code in enumerate([*codes, *others.values_list("code", flat=True)], 1)}
    cohorts.update(position=F("position") + _OUT_OF_THE_WAY)
    for level in protocol.dose_levels:
        facts = {"label": level.label, "position": places[level.code], "planned_number": level.planned}
        Cohort.objects.update_or_create(trial=trial, code=level.code, defaults=facts)
    for other in others:
        cohorts.filter(pk=other.pk).update(position=places[other.code])


def _refuse_what_does_not_fit(protocol: Protocol) -> None:
    """Raise ProtocolInvalid for texts that are longer than what is stored of them."""
    problems = [
        Problem("too-long", path, f"{len(kept(text))} characters are given", _at_most(text, longest))
        for path, text, longest in _stored_texts(protocol)
        if len(kept(text)) > longest
    ]
    if problems:
        raise ProtocolInvalid(UPLOADED, problems)


def _at_most(text: str, longest: int) -> str:
    both = " in both languages together" if len(kept(text)) > len(text) else ""
    return f"give at most {longest}{both}"


def _refuse_too_large(text: str) -> None:
    """Raise ProtocolInvalid for a text that would keep a request, and those who wait behind it, too long."""
    size = len(text.encode())
    if size > LARGEST_TAKEN_IN:
        message = f"the document has {size:,} bytes"
        remedy = f"give at most {LARGEST_TAKEN_IN:,}; leave out what is not part of the schedule"
        raise ProtocolInvalid(UPLOADED, [Problem("too-large", UPLOADED, message, remedy)])


def _stored_texts(protocol: Protocol) -> Iterator[tuple[str, str, int]]:
    """The texts that become columns: the path of each in the document, and how long it may be."""
    yield "trial", protocol.trial, 40
    yield "version", protocol.version, 40
    yield "title", protocol.title, 300
    parts: tuple[tuple[str, Sequence[_Coded], int, int], ...] = (
        ("epochs", protocol.epochs, 60, 200),
        ("anchors", protocol.anchors, 60, 200),
        ("visits", protocol.visits, 56, 112),  # a number is added where a rule makes several
        ("activities", protocol.activities, 60, 200),
        ("windows", protocol.windows, 60, 200),
        ("dose_levels", protocol.dose_levels, 40, 100),
    )
    for name, items, code, label in parts:
        for number, item in enumerate(items):
            yield f"{name}[{number}].code", item.code, code
            yield f"{name}[{number}].label", item.label, label
    for number, window in enumerate(protocol.windows):
        for path, named in _fact_codes(window):
            yield f"windows[{number}].{path}", named, 80


def _fact_codes(window: ProtocolWindow) -> Iterator[tuple[str, str]]:
    """The drugs, tests and events that a window names, by the places where it does."""
    for field in dataclasses.fields(window.terms):
        value = getattr(window.terms, field.name)
        codes = (value,) if isinstance(value, str) else value if isinstance(value, tuple) else ()
        yield from ((f"{window.kind}.{field.name}", str(code)) for code in codes)
    for end, bound in (("starts", window.starts), ("ends", window.ends)):
        for moment in bound.moments if bound else ():
            if isinstance(moment.offset, HalfLives):
                yield f"{end}.half_lives.drug", moment.offset.drug


class _Coded(typing.Protocol):
    @property
    def code(self) -> str:
        """What the document calls it."""

    @property
    def label(self) -> str:
        """What people call it."""
