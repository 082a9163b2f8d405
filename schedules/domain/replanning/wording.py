"""The effects of a re-planning in words, for screens, the API and the audit trail alike."""

from __future__ import annotations

from schedules.domain.replanning.visit_effects import Effect, VisitChange
from schedules.domain.replanning.window_and_gate_changes import GateChange
from trials.domain.words import Say, day_text, plain
from trials.domain.words import mark as _

EFFECT_LABELS = {
    Effect.CHEMOTHERAPY_GIVEN: _("treatment already given"),
    Effect.BLOCK_BROKEN: _("block broken"),
    Effect.GATE_AFFECTED: _("another participant's gate affected"),
    Effect.EXPIRED: _("expired, to be repeated"),
    Effect.BOOKING_OUTSIDE: _("booking outside the window"),
    Effect.BOOKING_CLOSED: _("booked on a closed day"),
    Effect.BOOKING_ALREADY_OUTSIDE: _("booking still outside the window"),
    Effect.NOW_MISSED: _("window already closed"),
    Effect.NOW_LATE: _("target passed, window open"),
    Effect.DONE_LATE: _("done, now late"),
    Effect.DONE_EARLY: _("done, now early"),
    Effect.CANCELLED: _("cancelled"),
    Effect.CANCELLED_BY_COURSE: _("cancelled"),
    Effect.NOT_APPLICABLE: _("not applicable"),
    Effect.UNBOOKED: _("booking cancelled"),
    Effect.HELD: _("on hold"),
    Effect.RESUMED: _("no longer on hold"),
    Effect.RESTORED: _("to come again"),
    Effect.ADDED: _("added"),
    Effect.MOVED: _("moved"),
    Effect.SUGGESTED: _("another day suggested"),
    Effect.RETAINED: _("stays"),
    Effect.UNCHANGED: _("unchanged"),
}

_GATES = {
    (True, False): _("The gate before the start on %(begins)s closes; it opens on %(opens)s."),
    (False, True): _("The gate before the start on %(begins)s is open."),
    (False, False): _("The gate before the start on %(begins)s now opens on %(opens)s, not on %(was)s."),
}
_NOBODY_KNOWS = _("a day that nobody knows yet")

_SENTENCES = {
    Effect.CHEMOTHERAPY_GIVEN: _("Given on %(performed)s, it stays done; the rest lengthens."),
    Effect.BLOCK_BROKEN: _("Its block no longer holds together."),
    Effect.EXPIRED: _(
        "Done on %(performed)s, before the window now opens on %(opens)s: it has expired.%(repeat)s"
    ),
    Effect.BOOKING_OUTSIDE: _(
        "Booked on %(booked)s, outside the window %(opens)s to %(closes)s; book it again."
    ),
    Effect.BOOKING_CLOSED: _("Booked on %(booked)s, when the site is closed; book it again."),
    Effect.BOOKING_ALREADY_OUTSIDE: _(
        "Booked on %(booked)s, outside the window as before, now %(opens)s to %(closes)s; book it again."
    ),
    Effect.NOW_MISSED: _("Its window closed on %(closes)s, before today."),
    Effect.NOW_LATE: _("Its target %(target)s has passed; the window is open until %(closes)s."),
    Effect.DONE_LATE: _("Done on %(performed)s, now after the window %(opens)s to %(closes)s."),
    Effect.DONE_EARLY: _("Done on %(performed)s, now before the window %(opens)s to %(closes)s."),
    Effect.CANCELLED: _("The plan no longer asks for it."),
    Effect.CANCELLED_BY_COURSE: _("Does not take place any more."),
    Effect.NOT_APPLICABLE: _("Does not apply any more."),
    Effect.UNBOOKED: _("The booking on %(booked)s is cancelled."),
    Effect.HELD: _("Waits until the hold ends."),
    Effect.RESUMED: _("Waits no longer."),
    Effect.RESTORED: _("Is to come again: %(target)s, window %(opens)s to %(closes)s."),
    Effect.ADDED: _("New: %(target)s, window %(opens)s to %(closes)s."),
    Effect.MOVED: _("Moves from %(from)s to %(target)s (%(days)+d days)."),
    Effect.SUGGESTED: _("Suggested is %(suggested)s instead of %(was_suggested)s."),
    Effect.RETAINED: _("Stays as recorded."),
    Effect.UNCHANGED: _("Nothing changes."),
}

_ENDING = {
    Effect.CANCELLED_BY_COURSE: _(
        "Does not take place any more, though booked on %(booked)s: tell those concerned."
    ),
    Effect.NOT_APPLICABLE: _("Does not apply any more, though booked on %(booked)s: tell those concerned."),
}


def effect_label(effect: Effect, say: Say = plain) -> str:
    """The name of an effect."""
    return say(EFFECT_LABELS[effect])


def change_sentence(change: VisitChange, say: Say = plain) -> str:
    """All effects of a change in one text, the most severe first."""
    return " ".join(change_sentences(change, say))


def change_sentences(change: VisitChange, say: Say = plain) -> tuple[str, ...]:
    """All effects of a change, each as a sentence, the most severe first."""
    window = change.after or change.before
    assert window is not None, "a change has a window before or after"
    repeat = say(_(" To be repeated: %(activities)s.")) % {"activities": say(_(", ")).join(change.repeat)}
    words = {
        "opens": day_text(window.opens, say),
        "target": day_text(window.target, say),
        "closes": day_text(window.closes, say),
        "from": day_text(change.before.target, say) if change.before else "",
        "booked": day_text(change.booked_on, say) if change.booked_on else "",
        "performed": day_text(change.performed_on, say) if change.performed_on else "",
        "repeat": repeat if change.repeat else "",
        "days": change.days,
        "was_suggested": day_text(change.suggested[0], say) if change.suggested[0] else "–",
        "suggested": day_text(change.suggested[1], say) if change.suggested[1] else "–",
    }
    return tuple(say(_sentence(effect, change)) % words for effect in change.effects)


def _sentence(effect: Effect, change: VisitChange) -> str:
    """The sentence of an effect; a target that stays says how its window changes, an end what was booked."""
    if effect is Effect.MOVED and not change.days:
        return _("Its window is now %(opens)s to %(closes)s.")
    if change.booked_on and effect in _ENDING:
        return _ENDING[effect]
    return _SENTENCES[effect]


def gate_sentence(change: GateChange, say: Say = plain) -> str:
    """What becomes of the gate before another participant's start."""
    words = {
        "begins": day_text(change.begins, say),
        "opens": day_text(change.after.opens_on, say) if change.after.opens_on else say(_NOBODY_KNOWS),
        "was": day_text(change.before.opens_on, say) if change.before.opens_on else say(_NOBODY_KNOWS),
    }
    return say(_GATES[change.before.open, change.after.open]) % words
