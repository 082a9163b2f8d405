"""Marks on windows that the next sweep looks at: something that they are judged by has changed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from schedules.models import ProtocolWindow


def mark_for_evaluation(ids: Iterable[int], now: datetime) -> None:
    """Let the next sweep judge all windows of these participants."""
    windows = ProtocolWindow.objects.filter(participant__in=list(ids), cancelled_on=None)
    windows.exclude(judge_at=now).update(judge_at=now)
