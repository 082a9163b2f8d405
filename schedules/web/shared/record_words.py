"""What flags and deviations are about, in words."""

from __future__ import annotations

from django.utils.text import Truncator
from django.utils.translation import gettext as _

from schedules.domain.deviations.drafts import KIND_LABELS, DeviationKind
from schedules.domain.readiness.start_flags import START_FLAG
from schedules.domain.replanning.protocol_departures import REPLAN_FLAG
from schedules.models import Deviation, Flag
from schedules.selectors.pages.consequences import Consequences
from schedules.web.shared.wording import say


def flag_heading(flag: Flag) -> str:
    """What a flag is about: its window, a planned day that no longer fits, or else the hold."""
    if flag.kind == REPLAN_FLAG:
        return _("A planned day no longer fits")
    if flag.kind == START_FLAG:
        return _("The list before the start says no")
    return say(flag.window.label) if flag.window else _("Hold before day zero")


def consequence_words(found: Consequences) -> tuple[str, ...]:
    """What an act brought about besides itself, a sentence for each flag and each deviation."""
    said = []
    for flag in found.flags:
        words = {"severity": flag.get_severity_display(), "about": flag_heading(flag)}
        said.append(_("This raised a flag (%(severity)s): %(about)s.") % words)
    for deviation in found.deviations:
        words = {"kind": say(KIND_LABELS[DeviationKind(deviation.kind)]), "about": deviation_about(deviation)}
        text = (
            _("This drafted a deviation: %(kind)s, %(about)s.")
            if words["about"]
            else _("This drafted a deviation: %(kind)s.")
        )
        said.append(text % words)
    return tuple(said)


def deviation_about(one: Deviation) -> str:
    """The visit or the window that a deviation concerns; of one entered by hand else its first words."""
    what = one.visit or one.window
    if what:
        return say(what.label)
    return Truncator(one.description).chars(60) if one.kind == DeviationKind.MANUAL else ""
