"""Sentences that rows were written with and that nothing says any longer: they keep their translation."""

from __future__ import annotations

from trials.domain.words import mark as _

FORMER = (
    _(
        "Chemotherapy from %(began)s was given for an infusion on %(expected)s, which never followed: "
        "the block was broken off on %(today)s, and lymphodepletion is planned again as a new block."
    ),
    _(
        "%(given)s from %(began)s was given for the %(awaited)s on %(expected)s, which never followed: "
        "the block was broken off on %(today)s, and lymphodepletion is planned again as a new block."
    ),
    _("Expected on %(expected)s after chemotherapy from %(began)s, the infusion waits"),
    _(
        "%(base)s on %(now)s is %(days)s later than the %(anchor)s on %(began)s was given for "
        "(%(expected)s): chemotherapy stays done, the rest is longer by the days on hold; %(next)s"
    ),
    _(
        "the protocol document does not say how long a hold may last: the infusion can be delayed, "
        "resumed or abandoned by the investigator"
    ),
    _("%(interval)s from the infusion of %(subject)s: no infusion before %(day)s."),
    _("%(taken)d of %(slots)d infusions on %(day)s are taken."),
)
