"""Plants small faults in a copy of the engine and sees whether its tests notice: `make mutants`.

Every mutant is one change in one file of a temporary copy; the working tree is never touched. One
that survives is a hole in the tests, and one whose text is no longer found must be planted again:
both end with exit 1. Arguments choose the mutants of files whose path contains one of them.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("config", "trials", "participants", "schedules", "tests", "pyproject.toml", "manage.py")
PROCESSES = 2
SECONDS = 120
TESTS = (
    "tests/unit/plan/test_offsets.py",
    "tests/unit/plan/test_timings.py",
    "tests/unit/plan/test_anchors.py",
    "tests/unit/plan/test_blocks_and_holds.py",
    "tests/unit/plan/test_suggestions.py",
    "tests/unit/plan/test_protocol_windows.py",
    "tests/unit/plan/test_explanations.py",
    "tests/unit/visits/test_status.py",
    "tests/unit/plan/test_golden_plans.py",
    "tests/unit/plan/test_properties.py",
    "tests/unit/replanning",
    "tests/unit/audit/test_audit_chain.py",
    "tests/unit/participants/test_points.py",
    "tests/unit/reminders",
    "tests/unit/channels",
    "tests/unit/visits/test_visit_life.py",
    "tests/unit/visits/test_clashes.py",
    "tests/unit/deviations",
)
PLUGINS = ("schemathesis", "valkey", "playwright", "xdist", "randomly", "cacheprovider")
COMMAND = (
    sys.executable, "-B", "-m", "pytest", "-x", "-q", "--no-header",
    *(word for plugin in PLUGINS for word in ("-p", f"no:{plugin}")),
    *TESTS,
)  # fmt: skip

OFFSETS, PROTOCOL = "trials/domain/protocols/offsets.py", "trials/domain/protocols/protocol.py"
TERMS, APPLIES = "trials/domain/protocols/terms.py", "trials/domain/protocols/basis.py"
TIMELINE, ANCHORS = "schedules/domain/plan/slots.py", "schedules/domain/plan/anchors.py"
CONTRADICTIONS, HOLDS = "schedules/domain/plan/contradictions.py", "schedules/domain/plan/holds.py"
REFERENCES, SUGGESTIONS = "schedules/domain/plan/references.py", "schedules/domain/plan/suggestions.py"
WINDOWS, PLACING = "schedules/domain/plan/visit_windows.py", "schedules/domain/plan/protocol_windows.py"
PROJECTION, STATUS = "schedules/domain/plan/projection.py", "schedules/domain/visits/status.py"
EXPLAIN, DOCUMENT = "schedules/domain/plan/explanations.py", "schedules/domain/plan/document.py"
LIFE, SAYING = "schedules/domain/visits/state.py", "schedules/domain/reminders/ledger.py"
REPLANNING, AROUND = (
    "schedules/domain/replanning/visit_effects.py",
    "schedules/domain/replanning/window_and_gate_changes.py",
)
CLOCK, HAPPENED = (
    "schedules/domain/replanning/hold_clock.py",
    "schedules/domain/replanning/protocol_departures.py",
)
WAYS, BREAKER = "trials/domain/channels/kinds.py", "trials/domain/channels/breaker.py"
TEXTS, ADDRESSES = "trials/domain/channels/texts.py", "trials/domain/channels/addresses.py"
SPEAKS, OPEN_HOURS = "schedules/domain/reminders/rules.py", "schedules/domain/reminders/hours.py"
TOLD, WANTED = "schedules/domain/reminders/people.py", "schedules/domain/reminders/settings.py"
TOGETHER, STATES = "schedules/domain/reminders/messages.py", "schedules/domain/reminders/states.py"
VISIT, DRAFTS = "schedules/domain/visits/visit.py", "schedules/domain/deviations/drafts.py"
RECORDING, CLASHES = "schedules/domain/deviations/recording_days.py", "schedules/domain/visits/clashes.py"
CHAIN, POINTS = "trials/domain/audit/chain.py", "participants/domain/moments.py"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault: the first `old` of the file becomes `new`."""

    file: str
    old: str
    new: str
    fault: str


MUTANTS = [
    Mutant(*row)
    for row in (
        (OFFSETS, 'if found["sign"] == "-"', 'if found["sign"] == "+"', "signs are exchanged"),
        (OFFSETS, "DAYS_PER_WEEK = 7", "DAYS_PER_WEEK = 5", "a week of working days"),
        (OFFSETS, "fullmatch(text)", "match(text)", "what follows an offset is ignored"),
        (OFFSETS, "[0-9]+)(?P<unit>", r"\d+)(?P<unit>", "digits of other scripts are read"),
        (OFFSETS, "(_MONTHS if self.unit", "(13 if self.unit", "a year of 13 months"),
        (OFFSETS, "self.amount * int(month)", "self.amount * 30", "each fixed month has 30 days"),
        (OFFSETS, "return 0 if self.amount == 0 else None", "return None", "no month at all is unknown"),
        (OFFSETS, "return _add_months(day, offset.calendar_months)",
         "return day + timedelta(days=offset.calendar_months * 30)",
         "months of 30 days"),
        (OFFSETS, "except (OverflowError, ValueError)", "except (OverflowError, KeyError)",
         "years past 9999"),
        (OFFSETS, "instant.astimezone(UTC) + timedelta", "instant + timedelta", "hours on the clock face"),
        (OFFSETS, "return moved.astimezone(instant.tzinfo)", "return moved", "instants end in UTC"),
        (OFFSETS, "shift_day(instant.date(), offset, month)", "shift_day(instant.date(), offset)",
         "a fixed month is forgotten for instants"),
        (OFFSETS, "size != 1]}", "size > 1]}", "0 day"),
        (OFFSETS, 'sign = "-" if self.amount < 0', 'sign = "-" if self.amount <= 0', "-P0D"),
        (PROTOCOL, "and days >= 0 else 0", "and days > 0 else 0", "Day 1 labels have a Day 0"),
        (PROTOCOL, "return days + 1 if days >= 0", "return days + 1 if days > 0", "a study day 0"),
        (APPLIES, "return not applies_to or", "return bool(applies_to) and",
         "rules for all apply to nobody"),
        (PROTOCOL, "if trait.always}", "if not trait.always}", "everybody has the optional traits"),
        (TERMS, "for basis in (self.basis, *bounds))", "for basis in (self.basis,))",
         "an assumed end is stated"),
        (TIMELINE, "anchor + opens, anchor + target", "anchor + target, anchor + target", "no window before"),
        (TIMELINE, "shift_beside(anchor, self.offset, tolerance.after, self.month)",
         "shift_beside(anchor, self.offset, tolerance.before, self.month)",
         "tolerances are the same on both sides"),
        (TIMELINE, "shift_beside(anchor, self.offset, -tolerance.before, self.month)",
         "shift_beside(anchor, self.offset, tolerance.before, self.month)",
         "a window opens after its target"),
        (OFFSETS, "if both else shift_day(shift_day(day, target, month)",
         "if both is None else shift_day(shift_day(day, target, month)",
         "a tolerance in months counts from the clamped day"),
        (TIMELINE, "(target - reach[0], target", "(target, target", "a window in days opens on its target"),
        (TIMELINE, "target + reach[1])", "target + reach[1] + _DAY)", "a window in days closes a day late"),
        (TIMELINE, "return target, target, target", "return target + _DAY, target, target + _DAY",
         "each day of a range is the next"),
        (TIMELINE, "return VisitWindow(first, self._shift(anchor, self.offset), last)",
         "return VisitWindow(first, first, last)", "the target inside a range by months is forgotten"),
        (OFFSETS, "offset.amount // HOURS_PER_DAY", "-(-offset.amount // HOURS_PER_DAY)",
         "hours round up to days"),
        (TIMELINE, "if applies(rule.applies_to, traits)", "if True", "visits for other participants"),
        (ANCHORS, "if applies(rule.applies_to, traits))", ")", "anchors of other participants"),
        (ANCHORS, "if derived.visit and (done", "if (not derived.visit) and (done",
         "performed visits do not count"),
        (ANCHORS, "AnchorDay(done.day, AnchorKind.ACTUAL", "AnchorDay(done.day, AnchorKind.DERIVED",
         "a performed day is only derived"),
        (ANCHORS, "if code in self.found:", ("if code in self.found and not (self.rules.get(code) and "
         "self.rules[code].derived):"), "a set anchor still follows its base"),
        (ANCHORS, "assumed = base.assumed or derived", "assumed = derived",
         "an assumption ends with the next anchor"),
        (ANCHORS, "or code in self.asked", "", "circles hang"),
        (ANCHORS, "shift_date(base.day, offset, protocol.month)", "shift_date(base.day, offset)",
         "derived anchors forget the fixed month"),
        (ANCHORS, "if offset.unit is Unit.HOURS and base.at:", "if base.at:",
         "a count of days keeps the hour"),
        (CONTRADICTIONS, "and gap < 0", "and gap > 0", "a short rest is a hold"),
        (CONTRADICTIONS, "day.kind is AnchorKind.ACTUAL and", "", "a hold before chemotherapy began"),
        (CONTRADICTIONS, "base_day = base.day + timedelta(days=gap)",
         "base_day = base.day - timedelta(days=gap)",
         "the mend is on the wrong side"),
        (CONTRADICTIONS, "span[0] > other[1]", "span[0] >= other[1]", "the same day is after"),
        (CONTRADICTIONS, "if day.given or code in firm", "if True", "an expected day binds"),
        (CONTRADICTIONS, "if day.given or code in firm", "if day.given",
         "a block does not bind"),
        (CONTRADICTIONS, "while derived and not anchors[code].given", "while False",
         "a derived day shall be set"),
        (CONTRADICTIONS, "if (found.anchor, found.other) not in known", "if True", "said twice"),
        (CONTRADICTIONS, "return first, last", "return first, first", "a screening is over on its first day"),
        (CONTRADICTIONS, "max(later, at_earliest", "min(later, at_earliest", "one day of two is mended"),
        (HOLDS, "if implied > day.day", "if implied >= day.day", "a hold of no days"),
        (HOLDS, "day.kind is AnchorKind.ACTUAL", "day.kind is not AnchorKind.DERIVED", "a hold by plan"),
        (HOLDS, "rule.point_of_no_return and rule.derived", "rule.derived", "any anchor holds"),
        (HOLDS, "max(v.window.closes for v in given) + timedelta(days=1)",
         "max(v.window.closes for v in given)",
         "the rest begins on the last chemotherapy"),
        (HOLDS, "rule.block == block and from_base and isinstance", "from_base and isinstance",
         "every range rests"),
        (HOLDS, "if left < 0", "if left <= 0", "the last day allowed is past"),
        (HOLDS, "shift_day(hold.expected, rule", "shift_day(hold.now, rule", "a hold never ends"),
        (HOLDS, "(self.now - self.expected).days", "(self.now - self.began).days", "days since chemotherapy"),
        (HOLDS, ", lengthened=True", "", "a longer rest does not say why"),
        (REFERENCES, "self.known.performed.get(reference.code) or self._expected(reference.code)",
         "self._expected(reference.code)", "chains ignore what was performed"),
        (REFERENCES, "self.known.performed.get(reference.code) or self._expected(reference.code)",
         "self.known.performed.get(reference.code)", "a skipped visit lends nothing"),
        (REFERENCES, "or code in self.asked", "", "chains in a circle hang"),
        (REFERENCES, "slot.offset.unit is Unit.HOURS and base.at", "base.at", "days have hours"),
        (REFERENCES, "around(at.date(), timing", "around(base.day, timing", "hours stay on the anchor's day"),
        (REFERENCES, "visit.window.target, AnchorKind.DERIVED, visit.at",
         ("visit.window.target, AnchorKind.DERIVED, "
         "None"), "a chain loses the hour"),
        (SUGGESTIONS, "and not visit.rule.block", "", "visits of a block move"),
        (SUGGESTIONS, "visit.rule.place is not Place.WARD and", "", "ward visits move"),
        (SUGGESTIONS, "isinstance(visit.rule.timing, AtOffset | Within) and not", "not", "ranges move"),
        (SUGGESTIONS, 'day, calendar.why_not(window.target) or ""', 'day, ""',
         "no reason is given"),
        (SUGGESTIONS, "return not calendar.is_public_holiday(day)", "return calendar.is_working_day(day)",
         "the ward has weekends"),
        (SUGGESTIONS, "if calendar.is_public_holiday(day):", "if not calendar.is_working_day(day):",
         "the ward warns of weekends"),
        (SUGGESTIONS, "(-1, 1) if left == members else (1,)", "(-1, 1)",
         "begun chemotherapy could move back"),
        (SUGGESTIONS, "range(step, step * (SEARCH_DAYS + 1), step)",
         "range(step * 2, step * (SEARCH_DAYS + 1), step)",
         "the next day is never tried"),
        (SUGGESTIONS, "while day <= visit.window.closes", "while day < visit.window.closes",
         "the last day is left out"),
        (SUGGESTIONS, "for day in (visit.window.opens, visit.window.closes)",
         "for day in (visit.window.opens,)",
         "a window into a provisional year"),
        (SUGGESTIONS, "elif calendar.nearest_working_day(*visit.window) is None",
         "elif not calendar.is_working_day(visit.window.target)", "every weekend is warned of"),
        (PLACING, "begun, late=inner)", "begun, late=not inner)", "a fresh test may be too old"),
        (PLACING, "self._bound(rule.ends, {}, late=not inner)",
         "self._bound(rule.ends, {}, late=inner)", "a fresh test may be too late"),
        (PLACING, "inner = isinstance(rule.terms, Freshness)", "inner = True",
         "duties are as short as tests"),
        (PLACING, "if missing or not points", "if not points", "the earliest of what is known"),
        (PLACING, "min if bound.pick is Pick.EARLIEST else max",
         "max if bound.pick is Pick.EARLIEST else min",
         "the latest for the earliest"),
        (PLACING, "whole = ceil if late else floor", "whole = floor", "a duty ends before its half-lives do"),
        (PLACING, "whole = ceil if late else floor", "whole = ceil", "a washout is a day short"),
        (PLACING, "self.placing.protocol.month)", ")", "windows forget the fixed month"),
        (PLACING, "base.day + _DAY if late else base.day", "base.day", "an unknown hour is midnight"),
        (PLACING, "base.at or midnight", "midnight", "a known hour is not used"),
        (PLACING, "start.astimezone(self.zone)", "start", "hours in the anchor's zone"),
        (PLACING, "instant_of(starts, zone) > instant_of(last, zone)", ("instant_of(starts, zone) >= "
         "instant_of(last, zone)"), "a window of one instant"),
        (PLACING, "else ends + _DAY", "else ends", "the last day ends at its beginning"),
        (PLACING, "missing = () if majority", "missing = () if not majority", "a known birthday is missing"),
        (PLACING, "and rule.starts is None", "", "each event waits for majority"),
        (PLACING, "or reference.code in self.applicable", "or True", "moments of others are waited for"),
        (PROJECTION, "protocol.effective_traits(traits), calendar", "traits, calendar",
         "traits of all are lost"),
        (PROJECTION, "if zone and zone.key != protocol.zone", "if False",
         "the site's zone is not used"),
        (PROJECTION, "visit.window.target, visit.window.opens)", "visit.window.target, visit.window.closes)",
         "visits in another order"),
        (PROJECTION, "visits.sort(key=", "list(visits).sort(key=", "visits in the order of the document"),
        (PROJECTION, "if code not in resolved", "if False", "an unused anchor is not told"),
        (PROJECTION, "if outside:", "if outside > 0:", "an expired screening is not told"),
        (PROJECTION, "and applies(activity.applies_to, traits)", "", "tests of others are repeated"),
        (PROJECTION, "if activity.repeat_when_expired", "if True", "everything is repeated"),
        (PROJECTION, "other.window.closes >= visit.window.opens", "other.window.closes > visit.window.opens",
         "one day in common is no overlap"),
        (PROJECTION, "if other.window.opens < other.window.closes or", "if False or",
         "only the later may slip"),
        (PROJECTION, "if isinstance(visit.rule.timing, AtOffset | Within)]", "]", "a stay overlaps"),
        (PROJECTION, "and visit.at is None", "", "known hours are called unknown"),
        (PROJECTION, "if applies(rule.applies_to, traits))", ")", "windows of others"),
        (PROJECTION, "if hold:", "if False:", "the rest stays short"),
        (WINDOWS, "self.opens <= day <= self.closes", "self.opens <= day < self.closes",
         "the last day is late"),
        (WINDOWS, "(day - self.closes).days)", "(day - self.target).days)", "late after the target"),
        (VISIT, "self.anchor_on < min(self.target, today)", "self.anchor_on <= min(self.target, today)",
         "a base is awaited on its own day"),
        (VISIT, "self.anchor_on < min(self.target, today)", "self.anchor_on < today",
         "what is due with its base waits for it"),
        (VISIT, "return after and self.anchor_kind == AnchorKind.PLANNED", "return after",
         "what has happened is awaited"),
        (VISIT, "return self.held_on is not None", "return False", "a hold stops no window"),
        (VISIT, "self.unscheduled and self.rule_code == UNSCHEDULED", "self.unscheduled",
         "the visit of an early end has no window"),
        (VISIT, "return self.cancelled_by_id is not None", "return self.cancelled_on is not None",
         "whatever is cancelled went with the course"),
        (VISIT, "and not self.applies and self.cancelled_by_id is None", "and self.cancelled_by_id is None",
         "what a person cancelled is no longer planned"),
        (STATUS, "awaits_base(min(days.today, days.known))", "awaits_base(days.today)",
         "a day to come is told as if nothing happened until then"),
        (STATUS, "visit.closes < today and not visit.awaits_base(min(today, known))", "visit.closes < today",
         "a window that waits is to be recorded"),
        (DRAFTS, "visit.today > (visit.recorded_by", "visit.today >= (visit.recorded_by",
         "the last day is drafted as unrecorded"),
        (DRAFTS, "state.waits or state.free or state.awaits_base(visit.today)", "state.waits or state.free",
         "what waits for its base is drafted"),
        (DRAFTS, "state.waits or state.free or", "state.free or", "a hold is drafted as unrecorded"),
        (DRAFTS, "days = 0 if state.free else state.days_outside", "days = state.days_outside",
         "an added visit is out of its window"),
        (DRAFTS, "(visit.final and not visit.said_by_start) or", "not visit.said_by_start or",
         "a day that may still move is drafted"),
        (DRAFTS, "if state.block else DeviationKind.OUTSIDE", "if not state.block else DeviationKind.OUTSIDE",
         "a broken block is like any other"),
        (DRAFTS, "None if visit.state.is_range else target", "target", "a range has one due day"),
        (DRAFTS, "min(state.missed_on, visit.window.closes)", "state.missed_on",
         "missed on the day on which it was said"),
        (DRAFTS, "performed >= visit.consented_on", "performed > visit.consented_on",
         "a visit on the day of the consent came before it"),
        (RECORDING, "for n in range(1, _LONGEST_SHUT)", "for n in range(_LONGEST_SHUT)",
         "today is over already"),
        (CLASHES, "if peak <= terms.capacity or not taking", "if peak < terms.capacity or not taking",
         "a room that is just full clashes"),
        (CLASHES, "one.participant != booked.participant], peak", "True], peak",
         "somebody is in their own way in a bed"),
        (STATUS, "if days.today < visit.opens", "if days.today <= visit.opens",
         "opens a day late"),
        (STATUS, "if days.today > visit.closes", "if days.today >= visit.closes",
         "closed on the last day"),
        (STATUS, "if visit.closes < first", "if visit.closes <= first",
         "the last clinic day is none"),
        (STATUS, "visit.closes < after_last else", "visit.closes <= after_last else",
         "four days are the last"),
        (STATUS, "visit.closes < today and", "visit.closes <= today and",
         "to record on the day itself"),
        (STATUS, "not visit.waits and not booked", "not booked", "what waits is to be recorded"),
        (STATUS, "if visit.arrived_on == today", "if visit.arrived_on", "here for ever"),
        (EXPLAIN, "if offset.amount < 0:", "if offset.amount > 0:", "before is after"),
        (EXPLAIN, "size != 1]) %", "size > 1]) %", "0 day"),
        (EXPLAIN, "if day.assumed else say(_KINDS", "if False else say(_KINDS",
         "an assumed day is not marked"),
        (EXPLAIN, "if bound.basis == window.rule.basis", "if True", "an assumed end is not told"),
        (EXPLAIN, "visit.suggested != visit.window.target", "True", "a suggestion of the target itself"),
        (EXPLAIN, "if basis.assumed:", "if not basis.note and basis.assumed:",
         "assumed with a note is stated"),
        (EXPLAIN, "if bound.pick is Pick.EARLIEST", "if bound.pick is Pick.LATEST",
         "earliest is said for latest"),
        (EXPLAIN, "if offset.count < 0", "if offset.count > 0", "half-lives after are before"),
        (EXPLAIN, "if window.missing:", "if False:", "what is missing is not named"),
        (EXPLAIN, "if visit.lengthened:", "if False:", "a longer rest is not explained"),
        (EXPLAIN, "visit.at or visit.window.target, say", "visit.window.target, say", "the hour is not told"),
        (DOCUMENT, "if isinstance(timing, AtOffset) else None", "if False else None",
         "tolerances lose their basis"),
        (DOCUMENT, '"assumed" if rule.assumed else "stated"', '"stated"', "assumed windows are stated"),
        (DOCUMENT, "study_day(target, zero)", "(target - zero).days", "the study day has a day 0"),
        (DOCUMENT, "(target - zero).days)", "(zero - target).days)", "labels run backwards"),
        (REPLANNING, "if visit.booked_on and not after.holds(visit.booked_on)",
         "if visit.booked_on", "a booking inside is outside"),
        (REPLANNING, "if visit.window.closes < today else None", "if False else None",
         "what is added too late is only added"),
        (REPLANNING, "and code in activity.visits", "", "the tests of other visits are repeated"),
        (REPLANNING, "return bool(done) and (lost or", "return (lost or", "a block breaks before it began"),
        (REPLANNING, "Effect.CANCELLED if visit.live else Effect.RETAINED", "Effect.CANCELLED",
         "what happened is cancelled"),
        (AROUND, "point.astimezone(UTC).isoformat()", "point.isoformat()", "one instant is two"),
        (CLOCK, "self.fever_at.astimezone(UTC) + self.terms", "self.fever_at + self.terms",
         "hours without fever by the clock on the wall"),
        (CLOCK, "fever_at.date() >= day.day", "fever_at.date() > day.day",
         "fever on the first day does not count"),
        (CLOCK, "base.kind is AnchorKind.ACTUAL:", "False:", "a hold after the infusion"),
        (HAPPENED, "or found.anchor == case.protocol.anchor_of(Role.CONSENT)", "",
         "an infusion before a planned consent"),
        (HAPPENED, "not case.withdrawn and (planned", "(planned", "nothing is taken back"),
        (CHAIN, "or next_hash(previous, entry) != found_hash", "", "an altered entry passes"),
        (CHAIN, "if missing > number:", "if False:", "the end of the trail may be cut off"),
        (LIFE, "booking.on > ended.died_on", "booking.on >= ended.died_on",
         "nothing is added on the day of a death"),
        (LIFE, "by_course or on > ended.on", "by_course or on >= ended.on",
         "the day of an end is after the end"),
        (SPEAKS, "next_days + 1 + (idle", "next_days + (idle", "a day stands in two steps of a rule"),
        (SPEAKS, "ahead + idle), ahead", "ahead), ahead", "what falls on days off is said too late"),
        (SPEAKS, "since + timedelta(days=ahead + 1)", "since", "what was due before is said again"),
        (SPEAKS, "today - timedelta(days=after)", "today", "an open day is called over"),
        (OPEN_HOURS, "if now > self.opening(day):", "if now >= self.opening(day):", "eight is missed"),
        (OPEN_HOURS, "self.earliest <= at < self.latest", "self.earliest <= at", "no evening is quiet"),
        (OPEN_HOURS, "day += _DAY\n        return self.opening(day if any_day else self._working(day))",
         "day += _DAY\n        return self.opening(day)", "messages leave on days off"),
        (OPEN_HOURS, "if self.earliest < self.latest:", "if self.earliest <= self.latest:",
         "at any hour means at none"),
        (TOLD, "if person not in staff.away:", "if True:", "somebody who is away is told"),
        (TOLD, "deputy in staff.may_record", "deputy is not None", "a deputy without a role is told"),
        (TOLD, "if told.person not in seen:", "if True:", "somebody is told twice"),
        (TOLD, "and one not in told]", "]", "who was told is told again instead of others"),
        (WANTED, "if value is not None:", "if value:", "a rule cannot be switched off"),
        (WANTED, '(trial, site, ""), (trial, None, kind)', '(trial, None, kind), (trial, site, "")',
         "the trial's word on a rule loses against the site's on all"),
        (TOGETHER, "named = sorted(", "named = list(", "a repeat gets another key"),
        (TOGETHER, "> urgency_of(other.kind)", "< urgency_of(other.kind)", "the least urgent speaks"),
        (TOGETHER, "moment = max(leaves, at)", "moment = leaves", "what comes late joins what has left"),
        (STATES, "State.SENT: sent_at,", "State.SENT: None,", "what was sent is shown as waiting"),
        (SAYING, "due_on <= today <= closes", "due_on <= today < closes",
         "nothing is said on the last day"),
        (SAYING, "return due_on <= today", "return due_on < today", "nothing is said on the day it is due"),
        (POINTS, "first_instant(point, zone) > limit", "first_instant(point, zone) >= limit",
         "an instant is after itself"),
        (ADDRESSES, "address.is_global and not", "not", "internal addresses are connected to"),
        (ADDRESSES, "for one in (given, *_inside(given))", "for one in (given,)",
         "an address inside another is not seen"),
        (ADDRESSES, "if labels[-1][:1].isdecimal() or not all", "if not all",
         "numbers are names of servers"),
        (WAYS, "if scheme and scheme not in", "if False and scheme not in", "any scheme is taken"),
        (WAYS, "limit=2048", "limit=4096", "WeCom is sent what it does not take"),
        (WAYS, "limit=2048,\n            per_minute=20,", "limit=2048,\n            per_minute=200,",
         "a robot is sent more than its minute takes"),
        (WAYS, "return self.spares_full_hour and", "return not self.spares_full_hour and",
         "full hours are not spared"),
        (BREAKER, "FAILURES = 3", "FAILURES = 30", "a channel that does not answer never rests"),
        (BREAKER, "rest = RESTS[min(self.rests, len(RESTS) - 1)]", "rest = RESTS[0]",
         "rests grow no longer"),
        (BREAKER,
         "if self.failures >= FAILURES:\n            return 1",
         "if self.failures >= FAILURES:\n            return 9",
         "a rest ends with more than one probe"),
        (BREAKER, "at < self.rests_until <= at + RESTS[-1] + PROBE", "at < self.rests_until",
         "a clock that ran ahead stops a channel"),
        (TEXTS, "if length(text) <= limit:\n            return text", "if True:\n            return text",
         "a text is longer than its limit"),
        (TEXTS, "messages[: most - 1]", "messages[:most]", "a digest leaves one out of count"),
    )
]  # fmt: skip


def copy_tree(folder: Path) -> Path:
    """A copy of what the tests need."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / name)
    return folder


def tests_pass(tree: Path) -> bool:
    """Whether the engine's tests pass in that tree; a test that hangs has noticed."""
    try:
        done = subprocess.run(COMMAND, cwd=tree, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def fate(mutant: Mutant, trees: SimpleQueue[Path]) -> str:
    """What became of a mutant: `killed`, `survived`, or `lost` where its text is no longer there.

    Raises SyntaxError for one that is no Python, since anything would kill that.
    """
    tree = trees.get()
    file = tree / mutant.file
    sound = file.read_text(encoding="utf-8")
    try:
        if mutant.old not in sound:
            return "lost"
        changed = sound.replace(mutant.old, mutant.new, 1)
        compile(changed, mutant.file, "exec")
        file.write_text(changed, encoding="utf-8")
        return "survived" if tests_pass(tree) else "killed"
    finally:
        file.write_text(sound, encoding="utf-8")
        trees.put(tree)


def main(wanted: list[str]) -> int:
    """Try the mutants; 0 if every one of them is killed."""
    mutants = [m for m in MUTANTS if not wanted or any(word in m.file for word in wanted)]
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        trees: SimpleQueue[Path] = SimpleQueue()
        copies = [copy_tree(Path(folder) / str(number)) for number in range(PROCESSES)]
        if not tests_pass(copies[0]):
            print("The tests fail without any mutant: mend that first.", file=sys.stderr)
            return 1
        for copy in copies:
            trees.put(copy)
        with ThreadPoolExecutor(PROCESSES) as pool:
            fates = []
            for mutant, found in zip(mutants, pool.map(lambda m: fate(m, trees), mutants), strict=True):
                fates.append(found)
                print(f"{found:8}  {mutant.file}: {mutant.fault}", flush=True)
    killed = fates.count("killed")
    seconds = time.monotonic() - started
    print(f"{killed} of {len(fates)} mutants killed in {seconds:.0f} s")
    return 0 if killed == len(fates) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
