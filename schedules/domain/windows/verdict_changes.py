"""What a new plan does to verdicts: windows that were kept and lapse, and tests that must be repeated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from schedules.domain.windows.verdicts import Verdict, VerdictStatus
from trials.domain.protocols.protocol import Freshness, ProtocolWindow
from trials.domain.words import Say, Value, Words, day_text, plain
from trials.domain.words import mark as _


class Judged(NamedTuple):
    """A window's rule, what it comes to now, and at its end if nothing more is recorded."""

    rule: ProtocolWindow
    verdict: Verdict
    at_end: Verdict


@dataclass(frozen=True, slots=True)
class VerdictChange:
    """A window whose verdict a plan changes, now or at its end; `before` is None where it was not asked for.

    `repeat` is the test that would serve before and no longer does, `missing` what the verdict after lacks,
    `because` what it rests on.
    """

    code: str
    label: str
    before: VerdictStatus | None
    after: VerdictStatus
    end_before: VerdictStatus | None
    end_after: VerdictStatus
    repeat: Value | None = None
    missing: tuple[Words, ...] = ()
    because: tuple[Words, ...] = ()

    @property
    def ends_otherwise(self) -> bool:
        """Whether it ends with another verdict, if nothing more is recorded."""
        return self.end_before is not self.end_after

    @property
    def lapses(self) -> bool:
        """Whether it could be judged before, now or at its end, and then cannot any more."""
        now, end = (self.before, self.after), (self.end_before, self.end_after)
        return any(after is _LACKING and before is not _LACKING for before, after in (now, end))

    @property
    def is_violated(self) -> bool:
        """Whether it is violated then and was not before."""
        now, end = (self.before, self.after), (self.end_before, self.end_after)
        return any(after is _VIOLATED and before is not _VIOLATED for before, after in (now, end))

    @property
    def is_grave(self) -> bool:
        """Whether it is violated then, or something that was done must be done again."""
        return self.is_violated or self.repeat is not None


_LACKING, _VIOLATED = VerdictStatus.CANNOT_JUDGE, VerdictStatus.VIOLATED
_SERVED = frozenset({VerdictStatus.KEPT, VerdictStatus.OPEN_AND_KEPT})
_SERVES = frozenset({*_SERVED, VerdictStatus.WAIVED})
_QUIET = frozenset({VerdictStatus.NOT_YET, VerdictStatus.KEPT, VerdictStatus.OPEN_AND_KEPT})
VERDICT_LABELS = {
    VerdictStatus.VIOLATED: _("Violated"),
    VerdictStatus.AT_RISK: _("At risk"),
    VerdictStatus.CANNOT_JUDGE: _("Cannot be judged"),
    VerdictStatus.OPEN_AND_KEPT: _("Open, kept so far"),
    VerdictStatus.NOT_YET: _("Not yet"),
    VerdictStatus.WAIVED: _("Waived"),
    VerdictStatus.KEPT: _("Kept"),
}


def compare_verdicts(
    before: Mapping[str, Judged], after: Mapping[str, Judged], named: Callable[[str], Value]
) -> tuple[VerdictChange, ...]:
    """Return the windows whose verdict changes, in the order of the plan; `named` names a test by its code.

    A window that is new counts where its verdict is more than that it is still to come or kept; one that
    is asked for no longer does not.
    """
    changes = (_change(before.get(code), now, named) for code, now in after.items())
    return tuple(change for change in changes if change is not None)


def _change(was: Judged | None, now: Judged, named: Callable[[str], Value]) -> VerdictChange | None:
    before, end_before = (was.verdict.status, was.at_end.status) if was else (None, None)
    after, end_after = now.verdict.status, now.at_end.status
    if (before, end_before) == (after, end_after) or (was is None and after in _QUIET):
        return None
    terms, repeat = now.rule.terms, None
    if isinstance(terms, Freshness) and end_before in _SERVED and end_after not in _SERVES:
        repeat = named(terms.test)
    told = now.verdict if before is not after else now.at_end
    return VerdictChange(
        code=now.rule.code,
        label=now.rule.label,
        before=before,
        after=after,
        end_before=end_before,
        end_after=end_after,
        repeat=repeat,
        missing=told.missing,
        because=told.words,
    )


def verdict_sentences(change: VerdictChange, say: Say = plain) -> tuple[str, ...]:
    """Return what becomes of a verdict, in sentences: before and after, what must be repeated, and why."""
    return tuple(words.text(say, day_text) for words in _sentences(change, say))


def _sentences(change: VerdictChange, say: Say) -> Iterator[Words]:
    after, end = say(VERDICT_LABELS[change.after]), say(VERDICT_LABELS[change.end_after])
    if change.before is None or change.end_before is None:
        yield Words.of(_("Verdict: %(after)s."), {"after": after})
    else:
        if change.before is not change.after:
            before = say(VERDICT_LABELS[change.before])
            yield Words.of(_("Verdict: %(before)s → %(after)s."), {"before": before, "after": after})
        if change.ends_otherwise:
            template = _("If nothing more is recorded, it ends: %(before)s → %(after)s.")
            yield Words.of(template, {"before": say(VERDICT_LABELS[change.end_before]), "after": end})
    if change.repeat is not None:
        yield Words.of(_("To be repeated: %(activities)s."), {"activities": change.repeat})
    for what in change.missing:
        yield Words.of(_("Missing: %(what)s."), {"what": what})
    yield from () if change.missing else change.because
