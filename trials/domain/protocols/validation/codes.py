"""Rules about codes and texts: well formed, once each, declared, used, not empty."""

from __future__ import annotations

import re
from collections.abc import Collection, Container, Mapping, Sequence

from trials.domain.language import BETWEEN, Text, readable
from trials.domain.protocols.findings import (
    KINDS,
    Findings,
    choice,
    codes,
    fault,
    listed,
    section,
    warning,
)
from trials.domain.protocols.mentions import (
    Mention,
    bounds,
    fact_codes,
    mentions,
    moment_path,
    texts,
)
from trials.domain.protocols.occurrences import (
    MOST_OCCURRENCES,
    PLACE,
    occurrence_offsets,
    occurrence_rules,
    occurrences,
    places_of,
)
from trials.domain.protocols.protocol import (
    EventAfter,
    Freshness,
    HalfLives,
    Presence,
    Protocol,
    Role,
    Washout,
)

MOST_ITEMS = 250
MOST_VISITS = 5_000
LARGEST_NUMBER = 100_000
_CODE = re.compile(r"[a-z0-9][a-z0-9_-]*")
_TRIAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_USED_OR_NOT = ("trait", "block", "epoch")


def crowded_sections(protocol: Protocol) -> Findings:
    """A section with so many items, or visits said so often, that it must be a mistake."""
    for kind in KINDS:
        number = len(codes(protocol, kind))
        if number > MOST_ITEMS:
            message = f"{number} items are given"
            yield fault("too-many-items", section(kind), message, f"a section has at most {MOST_ITEMS}")
    for index, visit in enumerate(protocol.visits):
        number = occurrences(visit)
        if number > MOST_OCCURRENCES:
            message = f"{visit.code!r} would happen {number} times"
            remedy = f"a visit happens at most {MOST_OCCURRENCES} times"
            yield fault("too-many-occurrences", f"visits[{index}]", message, remedy)
    whole = sum(min(occurrences(visit), MOST_OCCURRENCES) for visit in protocol.visits)
    if whole > MOST_VISITS:
        message = f"the rules together make {whole:,} visits for one participant"
        yield fault("too-many-occurrences", "visits", message, f"a document makes at most {MOST_VISITS:,}")


def bad_codes(protocol: Protocol) -> Findings:
    """Codes stand in addresses, files and feeds, so they are short plain words."""
    if not _TRIAL.fullmatch(protocol.trial):
        remedy = "use letters, digits, dots, hyphens and underscores, a letter or digit first"
        yield fault("bad-code", "trial", f"{protocol.trial!r} is not a trial's code", remedy)
    for kind in KINDS:
        for index, code in enumerate(codes(protocol, kind)):
            if kind != "fact" and not _CODE.fullmatch(code):
                remedy = "use small letters, digits, hyphens and underscores, a letter or digit first"
                yield fault("bad-code", f"{section(kind)}[{index}].code", f"{code!r} is not a code", remedy)


def duplicates(protocol: Protocol) -> Findings:
    """A code names one thing of its kind."""
    for kind in KINDS:
        first: dict[str, int] = {}
        for index, code in enumerate(codes(protocol, kind)):
            if code in first:
                message = (
                    f"the {kind} {code!r} stands a second time (first at {section(kind)}[{first[code]}])"
                )
                remedy = "give each a code of its own"
                yield fault("duplicate-code", f"{section(kind)}[{index}].code", message, remedy)
            first.setdefault(code, index)


def roles(protocol: Protocol) -> Findings:
    """One anchor and one visit at most has a role."""
    for kind in ("anchor", "visit"):
        first: dict[Role, str] = {}
        for index, rule in enumerate(getattr(protocol, section(kind))):
            if rule.role is not None and first.setdefault(rule.role, rule.code) != rule.code:
                message = f"the {kind} {first[rule.role]!r} has the role {rule.role} already"
                remedy = f"give a role to one {kind} only"
                yield fault("role-twice", f"{section(kind)}[{index}].role", message, remedy)


def collisions(protocol: Protocol) -> Findings:
    """What a plan calls an occurrence (`ld-1`) is not the code of another visit or its occurrence."""
    owners: dict[str, tuple[int, str]] = {}
    for index, visit in enumerate(protocol.visits):
        for code in dict.fromkeys((visit.code, *occurrence_offsets(visit))):
            owner = owners.setdefault(code, (index, visit.code))
            if owner[1] != visit.code:
                message = f"{code!r} is already what a plan calls a visit of {owner[1]!r}"
                remedy = "give one of the two another code"
                yield fault("occurrence-collision", f"visits[{index}].code", message, remedy)
                break


def empty_texts(protocol: Protocol) -> Findings:
    """Labels, sections of sources and other texts say something."""
    for kind in KINDS:
        if kind == "source":
            continue
        for index, item in enumerate(getattr(protocol, section(kind))):
            if not item.label.strip():
                path = f"{section(kind)}[{index}].label"
                yield fault("empty-label", path, f"the label of {item.code!r} is empty", "say what it is")
            if BETWEEN.strip() in f"{item.label} {getattr(item.label, 'zh', '')}":
                message = f"the label of {item.code!r} holds the sign {BETWEEN.strip()}"
                yield fault(
                    "bad-label", f"{section(kind)}[{index}].label", message, "write it with another sign"
                )
    for path, text in texts(protocol):
        if not text.strip():
            yield fault("empty-text", path, "the text is empty", "say it, or leave the whole part out")


def fact_names(protocol: Protocol) -> Findings:
    """Every label of a fact is of one that windows name; where some have labels, each code has one."""
    named = [code for _path, code in fact_codes(protocol)]
    results = [
        one.terms.result for one in protocol.windows if isinstance(one.terms, Freshness) and one.terms.result
    ]
    yield from _unused_facts(protocol, named, {*named, *results})
    yield from _facts_without_label(protocol, named)


def _unused_facts(protocol: Protocol, named: Sequence[str], used: Container[str]) -> Findings:
    for index, fact in enumerate(protocol.facts):
        if fact.code not in used:
            message = f"the fact {fact.code!r} has a label, but no window names it"
            remedy = choice(fact.code, tuple(dict.fromkeys(named)), "fact") if named else "leave it out"
            yield warning("unused-fact", f"facts[{index}]", message, remedy)


def _facts_without_label(protocol: Protocol, named: Sequence[str]) -> Findings:
    known = {fact.code for fact in protocol.facts}
    silent = [code for code in dict.fromkeys(named) if code not in known and readable(code) != code]
    if silent and (known or _in_two_languages(protocol)):
        message = f"people would read codes of these facts: {listed(silent)}"
        remedy = "give each a label in `facts`, such as {code: hcg, label: Pregnancy test}"
        yield warning("no-label", "facts" if protocol.facts else "windows", message, remedy)


def _in_two_languages(protocol: Protocol) -> bool:
    """Whether the document has begun to speak to readers of two languages."""
    kinds = (section(kind) for kind in KINDS if kind != "source")
    return any(isinstance(item.label, Text) for name in kinds for item in getattr(protocol, name))


def labels_with_numbers(protocol: Protocol) -> Findings:
    """What stands in braces in a visit's label is a number that each of its visits has."""
    for index, visit in enumerate(protocol.visits):
        for place in PLACE.findall(f"{visit.label}{getattr(visit.label, 'zh', '')}"):
            possible = sorted(places_of(visit))
            if place not in possible:
                message = f"{{{place}}} is no number that every visit of {visit.code!r} has"
                remedy = f"possible are {', '.join(f'{{{name}}}' for name in possible)}"
                yield fault("bad-label", f"visits[{index}].label", message, remedy)


def empty_lists(protocol: Protocol) -> Findings:
    """A list that must name something does."""
    for index, window in enumerate(protocol.windows):
        if isinstance(window.terms, Washout) and not window.terms.of:
            path = f"windows[{index}].washout.of"
            yield fault("empty-list", path, "the list is empty", "name what must not have been taken")
    for path, bound in bounds(protocol):
        if not bound.moments:
            yield fault("empty-list", f"{path}.moments", "the list is empty", "give at least one moment")


def wrong_numbers(protocol: Protocol) -> Findings:
    """Numbers of people, minutes, years of age and half-lives count from one, and are no slips of the pen."""
    for path, number in _numbers(protocol):
        if number is not None and not 1 <= number <= LARGEST_NUMBER:
            remedy = f"give a whole number from 1 to {LARGEST_NUMBER}"
            yield fault("number-out-of-range", path, f"{number} is given", remedy)


def _numbers(protocol: Protocol) -> list[tuple[str, int | None]]:
    """Every such number with its path; None where none is given."""
    given: list[tuple[str, int | None]] = [("planned_number", protocol.planned_number)]
    given += [
        (f"dose_levels[{index}].planned", level.planned) for index, level in enumerate(protocol.dose_levels)
    ]
    for index, window in enumerate(protocol.windows):
        if isinstance(window.terms, Presence):
            given.append((f"windows[{index}].presence.within_minutes", window.terms.within_minutes))
        if isinstance(window.terms, EventAfter):
            given.append((f"windows[{index}].event_after.age", window.terms.age))
    for path, bound in bounds(protocol):
        given += [
            (f"{moment_path(path, bound, number)}.half_lives.count", abs(moment.offset.count) or None)
            for number, moment in enumerate(bound.moments)
            if isinstance(moment.offset, HalfLives)
        ]
    return given


def unknown_codes(protocol: Protocol) -> Findings:
    """Whatever is named is declared; a visit may be named as a plan calls it (`ld-3`)."""
    declared: dict[str, Collection[str]] = {kind: dict.fromkeys(codes(protocol, kind)) for kind in KINDS}
    declared["visit"] = occurrence_rules(protocol.visits)
    for mention in mentions(protocol):
        possible = declared[mention.kind]
        if mention.code not in possible:
            message = f"the {mention.kind} {mention.code!r} is not declared"
            remedy = _meant(mention, declared) or choice(mention.code, tuple(possible), mention.kind)
            yield fault(f"unknown-{mention.kind}", mention.path, message, remedy)


def _meant(mention: Mention, declared: Mapping[str, Collection[str]]) -> str | None:
    """What to write where something of another kind has this code, such as a visit for an anchor."""
    counts = mention.path.rpartition(".from")[1] != "" or ".moments[" in mention.path
    others = (kind for kind in ("anchor", "visit", "activity") if mention.code in declared[kind])
    other = next(others, None) if counts else None
    if other is None:
        return None
    written = mention.code if other == "anchor" else f"{{{other}: {mention.code}}}"
    return f"it is {'a' if other == 'visit' else 'an'} {other}: write `from: {written}`"


def unused_codes(protocol: Protocol) -> Findings:
    """Traits, blocks and epochs are declared because something uses them; a trait may be `always`."""
    used = {(mention.kind, mention.code) for mention in mentions(protocol)}
    always = {("trait", trait.code) for trait in protocol.traits if trait.always}
    for kind in _USED_OR_NOT:
        for index, code in enumerate(codes(protocol, kind)):
            if (kind, code) not in used | always:
                message = f"the {kind} {code!r} is declared, but nothing uses it"
                path = f"{section(kind)}[{index}]"
                yield warning(f"unused-{kind}", path, message, "use it or leave it out")
