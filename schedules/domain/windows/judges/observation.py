"""Observation: from its first day to its last, by time alone; others' gates wait for its end."""

from __future__ import annotations

from schedules.domain.windows.judges.case import Case, WindowJudge, by_time, proof
from schedules.domain.windows.verdicts import Verdict
from trials.domain.protocols.protocol import Observation
from trials.domain.words import Code
from trials.domain.words import mark as _

_UNTIL = _("Under observation for %(of)s until %(day)s, that day included.")


def judge_observation(case: Case, terms: Observation) -> Verdict:
    """Not yet, open, or kept once the last day is over; nothing but time tells."""
    if case.ends is None:
        return by_time(case)
    return by_time(case, (proof(_UNTIL, of=Code(terms.of), day=case.local(case.ends)),))


JUDGE = WindowJudge(Observation, judge_observation)
