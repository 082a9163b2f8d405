"""What an empty database asks for first: steps in their order, names of places, names of zones."""

from __future__ import annotations

import pytest

from trials.domain.sites.first_steps import FirstStep, StepState, next_step, steps_from
from trials.domain.sites.names import in_language, place_name, readable_code
from trials.domain.sites.zones import is_zone, near_zones, read_zone, zone_names


@pytest.mark.parametrize(
    ("done", "following", "why"),
    [
        ("", "site", "the first of all"),
        ("site", "calendar", "what it needs is there"),
        ("site calendar trial", "version", "in order"),
        ("site trial version trial-site", "calendar", "the one that was left out comes first"),
        (" ".join(FirstStep), None, "all are taken"),
    ],
)
def test_the_first_step_that_can_be_taken_is_the_next(done, following, why) -> None:
    taken = {FirstStep(step) for step in done.split()}
    assert next_step(taken) == following, why
    found = steps_from(taken)
    assert [one.number for one in found] == list(range(1, 11))
    assert sum(one.state is StepState.NEXT for one in found) == (following is not None)
    for one in found:
        assert (one.state is StepState.DONE) == (one.step in taken)


def test_from_nothing_a_site_is_next_and_a_trial_possible() -> None:
    states = {one.step: one.state for one in steps_from(())}
    assert states.pop(FirstStep.SITE) is StepState.NEXT
    assert states.pop(FirstStep.TRIAL) is StepState.POSSIBLE
    assert set(states.values()) == {StepState.LATER}


@pytest.mark.parametrize(
    ("code", "words"),
    [("WUHAN-UNION", "Wuhan Union"), ("WH", "WH"), ("PKU-THIRD_2", "PKU Third 2"), ("SITE", "Site")],
)
def test_the_code_of_a_site_is_read_as_words(code: str, words: str) -> None:
    assert readable_code(code) == place_name(code, "", "", "en") == words


def test_a_chinese_page_has_the_chinese_name_where_there_is_one() -> None:
    assert [in_language("Union", zh, "zh-hans") for zh in ("协和", "")] == ["协和", "Union"]
    assert place_name("WH", "Union", "协和", "zh-hans") == "协和"
    assert place_name("WH", "Union", "协和", "en") == "Union"


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("Asia/Shanghai", True), ("UTC", True), ("", False), ("Asia", False), ("../UTC", False), ("x", False)],
)
def test_a_zone_is_known_by_its_whole_name(name: str, is_one: bool) -> None:
    assert is_zone(name) is is_one
    zone = read_zone(name)
    assert (zone.key if zone else "") == (name if is_one else "")


def test_zones_of_places_are_to_choose_from_and_the_nearest_are_offered() -> None:
    names = zone_names()
    assert names[-1] == "UTC"
    assert list(names[:-1]) == sorted(names[:-1])
    assert {"Asia/Shanghai", "Europe/Berlin"} < set(names)
    assert "Etc/GMT+5" not in names
    assert near_zones("asia/shanghia")[0] == "Asia/Shanghai"
    assert near_zones("nowhere at all") == ()
