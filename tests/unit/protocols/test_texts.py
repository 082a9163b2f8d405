"""Texts in two languages, put together."""

from __future__ import annotations

from trials.domain.language import Text, joined


def test_each_language_is_joined_by_its_own_semicolons() -> None:
    both = joined([Text("day assumed", "日期为系统默认"), "no source"])
    assert both == Text("day assumed; no source", "日期为系统默认；no source")


def test_texts_in_one_language_stay_plain() -> None:
    assert not isinstance(joined(["one", "other"]), Text)
    assert joined(["one", "other"]) == "one; other"
