"""Why a gate is closed, in as few sentences as a coordinator has to read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from schedules.domain.readiness.gates import (
    NO_REVIEW,
    PLANNED_BEFORE,
    UNDER_OBSERVATION,
    GateReason,
    GateVerdict,
)
from trials.domain.protocols.protocol import Gate
from trials.domain.words import Value, Words
from trials.domain.words import mark as _

MEETS = _("%(start)s on %(day)s meets a closed gate.")
_OF_SEVERAL = {
    UNDER_OBSERVATION: _("Under observation, the last until %(day)s: %(subject)s and %(n)d more."),
    PLANNED_BEFORE: _("Planned before, the last observed until %(day)s: %(subject)s and %(n)d more."),
    NO_REVIEW: _("No safety review of %(subject)s and %(n)d more is on record."),
}


_OPENS = {False: _("The gate opens on %(day)s."), True: _("The gate (assumed) opens on %(day)s.")}
_NOBODY_KNOWS = {
    False: _("Nobody knows yet when the gate opens."),
    True: _("Nobody knows yet when the gate (assumed) opens."),
}


def words_of_gate(verdict: GateVerdict, names: Mapping[str, Value]) -> tuple[Words, ...]:
    """Why a gate is closed; `names` say how participants may be named, where not by their subject codes.

    Of several participants with like reasons the one that lifts last is named, and how many more.
    """
    return tuple(_named(words, names) for words in _summed(verdict.reasons))


def is_assumed(verdict: GateVerdict, gates: Iterable[Gate]) -> bool:
    """Whether any of the gates that are closed is assumed, not stated by the protocol."""
    assumed = {gate.code for gate in gates if gate.basis.assumed}
    return any(reason.gate in assumed for reason in verdict.reasons)


def words_of_opening(verdict: GateVerdict, gates: Iterable[Gate]) -> Words:
    """When a closed gate opens, as far as that is known, and whether it is an assumed one."""
    assumed = is_assumed(verdict, gates)
    if verdict.opens_on is None:
        return Words.of(_NOBODY_KNOWS[assumed])
    return Words.of(_OPENS[assumed], {"day": verdict.opens_on})


def _named(words: Words, names: Mapping[str, Value]) -> Words:
    said = dict(words.values)
    if (subject := str(said.get("subject"))) in names:
        said["subject"] = names[subject]
    return Words.of(words.template, said)


def _summed(reasons: Iterable[GateReason]) -> Iterator[Words]:
    like: dict[str, list[GateReason]] = {}
    for reason in reasons:
        like.setdefault(reason.words.template, []).append(reason)
    for template, found in like.items():
        last = max(found, key=lambda reason: reason.opens_on or date.min)
        values: dict[str, Value] = dict(last.words.values)
        more = len({dict(reason.words.values).get("subject") for reason in found}) - 1
        if template not in _OF_SEVERAL:
            yield from dict.fromkeys(reason.words for reason in found)
        elif more:
            yield Words.of(_OF_SEVERAL[template], {**values, "n": more})
        else:
            yield last.words
