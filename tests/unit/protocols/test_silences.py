"""What a document used to say in silence: each is told, with what would be right."""

import pytest

from .documents import bound, changed, problems_of, tolerance, visit

ANCHOR = {"code": "dose-2", "label": "Second dose", "not_after": []}
DERIVED = {"anchor": "infusion", "offset": "P5D", "basis": "assumed"}
STAY = {"each": {"first": "P30D", "last": "P31D"}, "block": "conditioning"}


def window(**more):
    return {"code": "new", "label": "New", "conduct": {"of": "care"}, "basis": "assumed"} | more


# what is changed, code, path, words of the message, words of the remedy, reason
CASES = [
    (
        [("visits[+]", visit(**{"from": {"visit": "call"}}))],
        "partial-base",
        "visits[7].from",
        "for everybody, but the visit 'call' is only for minor",
        "same participants",
        "a rule for all",
    ),
    (
        [("visits[+]", visit(**{"from": {"visit": "rest"}}))],
        "over-reference",
        "visits[7].from.visit",
        "counts from its first day",
        "count from",
        "first day or last?",
    ),
    (
        [("visits[+]", visit(**{"from": "d28"}))],
        "unknown-anchor",
        "visits[7].from",
        "'d28' is not declared",
        "it is a visit: write `from: {visit: d28}`",
        "a visit as if it were an anchor",
    ),
    (
        [("visits[+]", visit(**{"from": {"visit": "infusion"}}))],
        "unknown-visit",
        "visits[7].from.visit",
        "'infusion' is not declared",
        "it is an anchor: write `from: infusion`",
        "the other way round",
    ),
    (
        [("anchors[+]", {**ANCHOR, "derived": DERIVED, "not_after": ["infusion"]})],
        "order-turned",
        "anchors[3].not_after[0]",
        "its rule puts it 5 days later",
        "not later",
        "derived to be too late",
    ),
    (
        [("anchors[+]", {**ANCHOR, "not_after": ["dose-2"]})],
        "not-after-itself",
        "anchors[3].not_after[0]",
        "may not follow itself",
        "that come later",
        "itself",
    ),
    (
        [
            (
                "visits[+]",
                visit(at="P60D", tolerance=tolerance("P0D"), repeat={"every": "P30D", "until": "P100D"}),
            )
        ],
        "repeat-remainder",
        "visits[7].repeat.until",
        "the last visit is at P90D",
        "give P90D",
        "until day 100",
    ),
    ([("activities[0].visits", [])], "empty-list", "activities[0].visits", "at no visit", "name", "no visit"),
    (
        [("activities[0].visits", ["screening", "screening"])],
        "named-twice",
        "activities[0].visits[1]",
        "a second time",
        "once",
        "twice",
    ),
    (
        [("windows[+]", window(starts=bound("P1D"), ends=bound("P0D", "consent")))],
        "window-turned",
        "windows[7]",
        "opens after it closes",
        "no later",
        "consent is never after the infusion",
    ),
    (
        [
            (
                "windows[+]",
                window(
                    ends=bound("P0D"),
                    starts={
                        "from": "infusion",
                        "half_lives": {"count": 5, "drug": "drug"},
                        "basis": "assumed",
                    },
                ),
            )
        ],
        "window-turned",
        "windows[7]",
        "opens after it closes",
        "count: -5",
        "five half-lives the wrong way",
    ),
    (
        [("anchors[+]", {**ANCHOR, "not_after": ["infusion"]}), ("visits[+]", visit(**{"from": "dose-2"}))],
        "unset-anchor",
        "anchors[3]",
        "nothing says when it is",
        "sets: dose-2",
        "an anchor that nobody sets",
    ),
    (
        [("visits[+]", visit(sets="infusion")), ("visits[+]", visit("other", sets="infusion", at="P90D"))],
        "set-twice",
        "visits[8].sets",
        "set by 'new' already",
        "one visit",
        "two visits for one day",
    ),
    (
        [
            ("visits[+]", visit(sets="infusion", applies_to=["minor"])),
            ("visits[+]", visit("other", sets="infusion", at="P90D", applies_to=["everybody"])),
        ],
        "set-twice",
        "visits[8].sets",
        "set by 'new' already",
        "one visit",
        "a minor is of everybody too",
    ),
    (
        [
            ("visits[+]", visit(sets="infusion", applies_to=["everybody"])),
            ("visits[+]", visit("other", sets="infusion", at="P90D", applies_to=["minor"])),
        ],
        "set-twice",
        "visits[8].sets",
        "set by 'new' already",
        "one visit",
        "in whichever order they stand",
    ),
    (
        [
            ("anchors[+]", {**ANCHOR, "not_after": ["infusion"]}),
            ("visits[+]", visit(at="P28D", **{"from": "dose-2"})),
            ("visits[+]", visit("other", sets="dose-2", at="P1D", **{"from": {"visit": "new"}})),
        ],
        "circular",
        "visits[8].sets",
        "counts from a visit that counts from 'dose-2', which it sets",
        "another anchor",
        "a visit that sets what it counts from by way of another",
    ),
    (
        [("visits[+]", visit(sets="dose-3"))],
        "unknown-anchor",
        "visits[7].sets",
        "not declared",
        "possible are",
        "an anchor that is not there",
    ),
    (
        [("anchors[0].role", "enrolment"), ("anchors[1].role", "enrolment")],
        "role-twice",
        "anchors[1].role",
        "has the role enrolment already",
        "one anchor only",
        "two enrolments",
    ),
    (
        [("anchors[0].role", "consents")],
        "unknown-word",
        "anchors[0].role",
        "'consents'",
        "'consent'",
        "a slip",
    ),
]


@pytest.mark.parametrize(("changes", "code", "path", "message", "remedy", "reason"), CASES)
def test_what_passed_in_silence_is_told(changes, code, path, message, remedy, reason):
    found = [one for one in problems_of(changed(*changes)) if one.code == code]
    assert [one.path for one in found] == [path], reason
    assert message in found[0].message
    assert remedy in found[0].remedy


SOUND = [
    (
        [
            ("anchors[+]", {**ANCHOR, "not_after": ["infusion"], "by_hand": True}),
            ("visits[+]", visit(**{"from": "dose-2"})),
        ],
        "a person enters the day",
    ),
    (
        [
            ("anchors[+]", {**ANCHOR, "derived": {**DERIVED, "offset": "P60D"}}),
            ("visits[+]", visit(sets="dose-2")),
            ("visits[+]", visit("after", at="P28D", **{"from": "dose-2"})),
        ],
        "a visit sets it",
    ),
    (
        [
            ("visits[+]", visit(sets="infusion", applies_to=["minor"])),
            ("visits[+]", visit("other", sets="infusion", at="P90D", applies_to=["donor"])),
        ],
        "one of two visits sets it, each for participants of its own",
    ),
    (
        [
            (
                "visits[+]",
                visit(at="P60D", tolerance=tolerance("P0D"), repeat={"every": "P30D", "until": "P90D"}),
            )
        ],
        "until the last",
    ),
    ([("windows[+]", window(starts=bound("P0D", "consent"), ends=bound("P0D")))], "in order"),
    ([("anchors[0].role", "consent")], "said, and true"),
]
TOLD = {case[1] for case in CASES}


@pytest.mark.parametrize(("changes", "reason"), SOUND)
def test_what_is_sound_is_not_told(changes, reason):
    assert not [one for one in problems_of(changed(*changes)) if one.code in TOLD], reason


def test_two_traits_that_meet_in_a_block_are_warned_of():
    """Each alone keeps the block whole; somebody with both would have two visits on one day."""
    more = [
        visit(trait, at="P1D", tolerance=tolerance("P0D"), block="conditioning", applies_to=[trait])
        for trait in ("minor", "donor")
    ]
    found = problems_of(changed(*(("visits[+]", one) for one in more)))
    told = [(one.code, one.severity.value) for one in found if one.code.startswith("block")]
    assert told == [("block-overlap", "warning")]
    assert "nobody has both traits" in next(one.remedy for one in found if one.code == "block-overlap")
