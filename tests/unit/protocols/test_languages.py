"""Labels, notes and reasons in two languages, and labels of drugs, tests and conditions."""

import pickle

import pytest

from schedules.domain.plan.labels import in_language
from schedules.domain.plan.values import PlannedVisit
from trials.domain.language import Named, Text, from_kept, kept, readable
from trials.domain.protocols.occurrences import label_at, label_of_rule, occurrence_offsets
from trials.domain.stored_sentences import facts_text, told
from trials.domain.words import Code, Words
from trials.formats.protocols.yaml import canonical_bytes, digest, dump, load, load_document

from .documents import SMALL, bound, changed, problems_of, tolerance, visit

BOTH = {"en": "Infusion of the cells", "zh": "输注细胞"}
WASHED = {
    "code": "no-gvhd",
    "label": "No GVHD",
    "washout": {"of": ["gvhd-grade-2-or-more"]},
    "starts": bound("-P14D"),
    "ends": bound("P0D"),
    "basis": {"assumed": {"en": "usual", "zh": "惯例"}},
}
OTHERS = ("no-label", "no-basis")
NAMED = {"code": "gvhd-grade-2-or-more", "label": {"en": "GVHD of grade 2 or more", "zh": "2级及以上GVHD"}}


def chinese(text):
    return text.in_language("zh-hans") if isinstance(text, Text) else text


def protocol_of(*changes):
    return load_document(changed(*changes), "small").protocol


def test_labels_notes_and_reasons_can_be_in_two_languages():
    protocol = protocol_of(
        ("anchors[0].label", BOTH), ("notes", [BOTH]), ("title", BOTH), ("windows[+]", WASHED)
    )
    anchor = protocol.anchors[0].label
    assert (anchor, chinese(anchor)) == (Text("Infusion of the cells", "输注细胞"), "输注细胞")
    assert chinese(protocol.notes[0]) == chinese(protocol.title) == "输注细胞"
    assert chinese(protocol.windows[-1].basis.note) == "惯例"
    assert in_language(protocol, chinese).anchors[0].label == "输注细胞"


def test_a_document_in_two_languages_is_written_and_read_back_the_same():
    protocol = protocol_of(("anchors[0].label", BOTH), ("windows[+]", WASHED), ("facts", [NAMED]))
    again = load(dump(protocol), "again").protocol
    assert again == protocol
    assert load(canonical_bytes(protocol), "canonical").protocol == protocol
    assert digest(again) == digest(protocol) != digest(protocol_of(("windows[+]", WASHED)))
    assert again.anchors[0].label.zh == "输注细胞"


def test_another_chinese_label_is_another_content():
    one, other = (protocol_of(("anchors[0].label", {**BOTH, "zh": zh})) for zh in ("输注", "回输"))
    assert one != other
    assert digest(one) != digest(other)


def test_a_document_of_today_keeps_its_bytes():
    protocol = load(SMALL, "small").protocol
    assert b'"facts"' not in canonical_bytes(protocol)
    assert b'"en"' not in canonical_bytes(protocol)


@pytest.mark.parametrize(
    "given", [{"en": "Infusion"}, {"en": "a", "zh": ""}, {"en": "a", "zh": 1}, {"en": "a", "de": "b"}, 7]
)
def test_a_label_in_half_a_language_is_told_with_what_would_be_right(given):
    problems = problems_of(changed(("anchors[0].label", given)))
    assert [(one.code, one.path) for one in problems] == [("wrong-type", "anchors[0].label")]
    assert "{en: text, zh: text}" in problems[0].remedy


def test_a_code_reaches_people_by_its_label():
    protocol = protocol_of(("windows[+]", WASHED), ("facts", [NAMED]))
    code = protocol.windows[-1].terms.of[0]
    assert code == "gvhd-grade-2-or-more"
    sentence = Words.of("%(code)s on record", {"code": Code(code)})
    assert sentence.text() == "GVHD of grade 2 or more on record"
    assert sentence.text(chinese) == "2级及以上GVHD on record"
    assert facts_text(told(sentence), chinese) == "2级及以上GVHD on record"
    assert protocol.named("gvhd-grade-2-or-more").label == Text(**NAMED["label"])


def test_a_code_without_a_label_is_read_without_its_hyphens():
    assert readable("gvhd-grade-2-or-more") == "GVHD grade 2 or more"
    assert readable("cns-lupus") == "CNS lupus"
    assert readable("Day -5") == "Day -5"


def test_codes_that_people_would_read_are_warned_of_and_so_are_labels_of_nothing():
    silent = [
        one
        for one in problems_of(changed(("windows[+]", WASHED), ("anchors[0].label", BOTH)))
        if one.code == "no-label"
    ]
    assert len(silent) == 1
    assert "gvhd-grade-2-or-more" in silent[0].message
    assert "facts" in silent[0].remedy


def test_a_code_of_a_fact_is_named_once_and_its_label_says_something():
    twice = problems_of(changed(("windows[+]", WASHED), ("facts", [NAMED, {**NAMED, "label": " "}])))
    assert [(one.code, one.path) for one in twice if one.code not in OTHERS] == [
        ("duplicate-code", "facts[1].code"),
        ("empty-label", "facts[1].label"),
    ]


def test_a_label_of_nothing_is_warned_of():
    known = [NAMED, {**NAMED, "code": "consent-again"}, {**NAMED, "code": "gvdh"}]
    named = problems_of(changed(("windows[+]", WASHED), ("facts", known)))
    assert [(one.code, one.path) for one in named if one.code not in OTHERS] == [("unused-fact", "facts[2]")]
    assert "gvhd-grade-2-or-more" in named[0].remedy


def test_a_text_in_two_languages_survives_a_column_a_copy_and_a_number():
    text = Text("Infusion", "输注")
    assert from_kept(kept(text)) == text
    assert from_kept("Infusion") == "Infusion"
    assert pickle.loads(pickle.dumps(text)) == text  # noqa: S301 - our own
    assert pickle.loads(pickle.dumps(Named("hcg", text))).label == text  # noqa: S301 - our own
    assert text != "Infusion"
    assert f"{text}" == "Infusion"


def test_a_numbered_visit_is_numbered_in_both_languages():
    protocol = protocol_of(("visits[1].label", BOTH))
    rule = protocol.visits[1]
    visit = PlannedVisit(rule, 2, f"{rule.code}-2", None, None, None)
    assert visit.label == Text("Infusion of the cells 2", "输注细胞 2")


# label, how the rule is timed, what the second visit and the rule as a whole are called
NUMBERED = [
    ("Month {months}", ("P3M", "P3M", "P24M"), "Month 6", "Month 3–24"),
    ("Year {years}", ("P12M", "P12M", "P60M"), "Year 2", "Year 1–5"),
    ("Month {months}", ("P1Y", "P1Y", "P6Y"), "Month 24", "Month 12–72"),
    ("Week {weeks}, day {days}", ("P2W", "P2W", "P8W"), "Week 4, day 28", "Week 2–8, day 14–56"),
    ("Cycle {n}", ("P21D", "P21D", "P84D"), "Cycle 2", "Cycle 1–4"),
    ("Yearly", ("P1Y", "P1Y", "P6Y"), "Yearly 2", "Yearly"),
]


@pytest.mark.parametrize(("label", "timing", "second", "whole"), NUMBERED)
def test_a_label_carries_the_number_that_people_know_a_visit_by(label, timing, second, whole):
    first, every, until = timing
    more = visit(label=label, at=first, tolerance=tolerance("P0D"), repeat={"every": every, "until": until})
    rule = protocol_of(("visits[+]", more)).visits[-1]
    offsets = list(occurrence_offsets(rule).values())
    assert label_at(rule, 2, offsets[1]) == second
    assert label_of_rule(rule) == whole
    assert PlannedVisit(rule, 2, "new-2", offsets[1], None, None).label == second


def test_a_label_in_two_languages_carries_its_number_in_both():
    both = {"en": "Month {months}", "zh": "第{months}个月"}
    more = visit(label=both, at="P3M", tolerance=tolerance("P0D"), repeat={"every": "P3M", "until": "P6M"})
    rule = protocol_of(("visits[+]", more)).visits[-1]
    assert label_at(rule, 2, occurrence_offsets(rule)["new-2"]) == Text("Month 6", "第6个月")


@pytest.mark.parametrize(
    "label", ["Month {months}", "Visit {number}", {"en": "Day {days}", "zh": "第{月}天"}]
)
def test_a_number_that_a_visit_does_not_have_is_a_fault(label):
    found = problems_of(changed(("visits[+]", visit(label=label))))
    assert [(one.code, one.path) for one in found if one.code == "bad-label"] == [
        ("bad-label", "visits[7].label")
    ]
    assert "{days}" in next(one.remedy for one in found if one.code == "bad-label")
