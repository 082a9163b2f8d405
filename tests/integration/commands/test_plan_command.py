"""`manage.py plan`, called in this process just as the shell calls it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from schedules.management.commands.plan import Command

TRIAL = "NCT07193667"
ON = ("--on", "infusion=2026-12-07")
LIBRARY = Path(__file__).resolve().parents[3] / "trials" / "library"


@pytest.fixture(name="plan")
def _plan(capsys, monkeypatch):
    """Run the command; gives its exit code, standard output and standard error."""
    monkeypatch.setattr("django.db.connections.close_all", lambda: None)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = 0
        try:
            Command().run_from_argv(["manage.py", "plan", *arguments])
        except SystemExit as left:
            code = int(left.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return run


def _json(plan, *arguments):
    code, out, err = plan(TRIAL, *arguments, "--format", "json")
    assert (code, err) == (0, "")
    return json.loads(out)


def test_the_table_shows_everything_and_marks_what_is_assumed(plan):
    code, out, err = plan(TRIAL, *ON)
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert lines[0].startswith(f"{TRIAL}  CD19 CAR-T")
    assert "holiday calendar: none" in lines
    assert "  screening              Mon 2026-11-09  derived ~" in lines
    assert "  lymphodepletion-start  Wed 2026-12-02  derived" in lines
    assert "  infusion               Mon 2026-12-07  planned" in lines
    assert (
        "  D28   d28        Day 28          Fri 2027-01-01  Mon 2027-01-04  Thu 2027-01-07  "
        "clinic  stated  ±3 ~"
    ) in lines
    assert (
        "  D-5   ld-1       Chemotherapy 1  Wed 2026-12-02  Wed 2026-12-02  Wed 2026-12-02  "
        "ward    stated  range"
    ) in lines
    assert any(line.split()[:3] == ["csf-washout", "washout", "–"] for line in lines), "unknown is a dash"
    assert any(line.split()[0] == "contraception" and line.endswith("assumed ~") for line in lines if line)
    assert lines[-1] == "~ marks what is assumed: no record states it; – is not known yet."


def test_the_table_names_suggestions_and_warnings(plan):
    out = plan(TRIAL, "--on", "infusion=2027-02-10", "--calendar", "CN")[1]
    assert "holiday calendar: CN 2026-2032" in out
    assert "SUGGESTED" in out
    (d4,) = (line for line in out.splitlines() if line.split()[1:2] == ["d4"])
    assert d4.count("Mon 2027-02-15") == 2, "suggested: the last day of the window"
    assert "  ! provisional-calendar: the official calendar CN is not out for 2027" in out
    assert "  ! block-on-holiday: Conditioning and infusion: it meets a day that cannot be kept" in out


def test_tolerances_that_differ_show_both_sides(plan, tmp_path):
    document = (LIBRARY / f"{TRIAL}.yaml").read_text(encoding="utf-8")
    changed = document.replace("tolerance: {before: P3D, after: P3D", "tolerance: {before: P2D, after: P3D")
    (tmp_path / "mine.yaml").write_text(changed, encoding="utf-8")
    out = plan(str(tmp_path / "mine.yaml"), *ON)[1]
    assert "−2 +3 ~" in out


def test_json_is_the_document_and_nothing_else(plan):
    document = _json(plan, *ON)
    assert list(document)[:3] == ["trial", "version", "digest"]
    assert document["anchors"]["infusion"] == {
        "date": "2026-12-07", "kind": "planned", "at": None, "assumed": False,
    }  # fmt: skip
    assert [visit["suggested"] for visit in document["visits"]] == [None] * 17
    assert document["visits"][5]["target"] == "2026-12-07"


def test_csv_has_one_row_for_each_visit(plan):
    code, out, err = plan(TRIAL, *ON, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert (code, err, len(rows)) == (0, "", 17)
    assert list(rows[0]) == [
        "code", "label", "epoch", "timing", "offset", "day", "day_label", "anchor", "place", "opens",
        "target",
        "closes", "suggested", "timing_basis", "tolerance_basis", "block", "because",
    ]  # fmt: skip
    assert rows[11] | {"because": ""} == {
        "code": "d28", "label": "Day 28", "epoch": "treatment", "timing": "offset", "offset": "P28D",
        "day": "28",
        "day_label": "D28", "anchor": "infusion", "place": "clinic", "opens": "2027-01-01",
        "target": "2027-01-04", "closes": "2027-01-07", "suggested": "", "timing_basis": "stated",
        "tolerance_basis": "assumed", "block": "", "because": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "anchor", "expected", "reason"),
    [
        (ON, "infusion", ("2026-12-07", "planned", None), "a day"),
        (("--on", "infusion=2026-12-07T14:00"), "infusion",
         ("2026-12-07", "planned", "2026-12-07T14:00+08:00"), "an hour, on the clocks of the protocol"),
        (("--on", "infusion=2026-12-07T14:00", "--zone", "Europe/Berlin"), "infusion",
         ("2026-12-07", "planned", "2026-12-07T14:00+01:00"), "or of the site"),
        ((*ON, "--actual", "consent=2026-11-05"), "consent", ("2026-11-05", "actual", None), "what happened"),
        ((*ON, "--actual", "infusion=2026-12-08"), "infusion", ("2026-12-08", "actual", None),
         "an actual day beats a planned one"),
        ((*ON, "--on", "enrolment=2026-11-30"), "enrolment", ("2026-11-30", "planned", None), "two of them"),
        (("--on", "infusion=2026-10-25T02:30+02:00", "--zone", "Europe/Berlin"), "infusion",
         ("2026-10-25", "planned", "2026-10-25T02:30+02:00"), "an hour that comes twice, the first"),
        (("--actual", "infusion=2026-10-25T02:30+01:00", "--zone", "Europe/Berlin"), "infusion",
         ("2026-10-25", "actual", "2026-10-25T02:30+01:00"), "and the second"),
    ],
)  # fmt: skip
def test_anchors(plan, arguments, anchor, expected, reason):
    found = _json(plan, *arguments)["anchors"][anchor]
    assert (found["date"], found["kind"], found["at"]) == expected, reason


@pytest.mark.parametrize(
    "arguments",
    [
        (TRIAL, *ON, "--with", "childbearing_potential", "--format", "json"),
        (*ON, "--format", "json", "--with", "childbearing_potential", TRIAL),
        (
            *ON,
            "--format",
            "json",
            "--with",
            "partner_childbearing_potential",
            "childbearing_potential",
            TRIAL,
        ),
        (TRIAL, *ON, "--format", "json", "--with", "childbearing_potential", "--with", "lymphodepletion"),
    ],
)
def test_traits_may_stand_anywhere(plan, arguments):
    code, out, _err = plan(*arguments)
    assert code == 0
    assert "hcg-before-enrolment" in {found["code"] for found in json.loads(out)["windows"]}


def test_contradictory_anchors_are_a_warning_not_an_error(plan):
    document = _json(plan, *ON, "--on", "lymphodepletion-start=2026-12-03")
    assert document["warnings"] == [
        {
            "code": "contradictory-anchors",
            "message": "Start of lymphodepletion on 2026-12-03 does not fit Infusion on 2026-12-07: the "
            "protocol puts it 5 days before; set Start of lymphodepletion to 2026-12-02 "
            "or Infusion to 2026-12-08",
        }
    ]


def test_the_same_call_prints_the_same_bytes(plan):
    assert plan(TRIAL, *ON, "--format", "json") == plan(TRIAL, *ON, "--format", "json")


def test_a_plan_at_the_edges_of_the_calendar(plan):
    for day in ("0010-06-01", "9990-06-01"):
        code, out, err = plan(TRIAL, "--on", f"infusion={day}", "--calendar", "CN")
        assert (code, err) == (0, "")
        assert day in out


DATE = "write a day as 2026-12-07 or an hour as 2026-12-07T14:00"
CODES = "possible are CART-SLE, NCT07193667, NCT07233642, NCT07274059, NCT07331467, NCT07339332"
ANCHORS = "NCT07193667 has consent, screening, enrolment, lymphodepletion-start, infusion"
HELP = "(manage.py plan --help says what is possible)"
YEARS = "outside the years 1 to 9999"
IMPOSSIBLE_DATES = [
    "2026-13-07", "2026-02-30", "2027-02-29", "2026-00-10", "2026-12-00", "0000-01-01", "2026-12-7",
    "20261207",
    "07.12.2026", "12/07/2026", "2026-W50-1", "2026-341", "tomorrow", "", " 2026-12-07", "2026-12-07 ",
    "2026-12-07T", "2026-12-07 14:00", "2026-12-07T24:00", "2026-12-07T14", "2026-12-07T14:60",
    "2026-12-07T14:00:00", "2026-12-07T14:00Z", "2026-12-07T14:00+8", "2026-12-07t14:00", "-2026-12-07",
    "٢٠٢٦-١٢-٠٧", "２０２６-12-07", "2026\u201012\u201007", "99999-01-01", "1e9", "2026-12-07;ls",
    "2026-12-07\n",
    "0001-01-01T00:00", "9999-12-31T24:00", "None", "2026-06-31",
]  # fmt: skip


@pytest.mark.parametrize("day", IMPOSSIBLE_DATES)
def test_a_wrong_date_is_refused(plan, day):
    told = _refused(plan(TRIAL, "--on", f"infusion={day}"))
    assert told.startswith("CommandError: '")
    assert DATE in told
    assert " ".join(repr(day).split()) in told


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), f"no TRIAL given: {CODES}"),
        (ON, f"no TRIAL given: {CODES}"),
        (("NCT99999999", *ON), f"unknown trial 'NCT99999999': {CODES}, or the path of a"),
        (("nct07193667", *ON), "unknown trial 'nct07193667'"),
        (("/no/such.yaml", *ON), "unknown trial '/no/such.yaml'"),
        (("", *ON), f"unknown trial '': {CODES}"),
        (("/usr", *ON), f"unknown trial '/usr': {CODES}"),
        (("x" * 5000, *ON), "x"),
        (("a\nb", *ON), r"unknown trial 'a\nb'"),
        ((TRIAL,), "no anchor given: use --on ANCHOR=DATE with one of consent, screening"),
        ((TRIAL, "--on", "infusion"), "'infusion' is not ANCHOR=DATE, such as infusion=2026-12-07"),
        ((TRIAL, "--on", "2026-12-07"), "'2026-12-07' is not ANCHOR=DATE"),
        ((TRIAL, "--on", ""), "'' is not ANCHOR=DATE"),
        ((TRIAL, "--on", "=2026-12-07"), f"unknown anchor '': {ANCHORS}"),
        ((TRIAL, "--on",
         "infusoin=2026-12-07"), f"unknown anchor 'infusoin' (did you mean infusion?): {ANCHORS}"),
        ((TRIAL, "--on", "d14=2026-12-07"), f"unknown anchor 'd14': {ANCHORS}"),
        ((TRIAL, "--on", "Infusion=2026-12-07"), "(did you mean infusion?)"),
        ((TRIAL, "--actual", "birth=2026-12-07"), f"unknown anchor 'birth': {ANCHORS}"),
        ((TRIAL, *ON, "--on", "infusion=2026-12-08"), "infusion is given twice: 2026-12-07 and 2026-12-08"),
        ((TRIAL, *ON, *ON), "infusion is given twice"),
        ((TRIAL, *ON, "--with", "male"),
         "unknown trait 'male': NCT07193667 has childbearing_potential, partner_"),
        ((TRIAL, *ON, "--with", "childbearing"), "(did you mean childbearing_potential?)"),
        ((TRIAL, *ON, "--calendar", "XX"), "unknown calendar 'XX': possible are none, "),
        ((TRIAL, *ON, "--calendar", "cn"), "unknown calendar 'cn' (did you mean CN?): possible are none, "),
        ((TRIAL, *ON, "--calendar", "../../etc"), "unknown calendar '../../etc'"),
        ((TRIAL, *ON, "--zone", "Mars/Base"),
         "unknown zone 'Mars/Base': use an IANA name such as Asia/Shanghai"),
        ((TRIAL, *ON, "--zone", "../../../etc/passwd"), "unknown zone '../../../etc/passwd'"),
        ((TRIAL, *ON, "--zone", "asia/shanghai"), "unknown zone 'asia/shanghai'"),
        ((TRIAL, *ON, "--format",
         "xml"), f"invalid choice: 'xml' (choose from 'table', 'json', 'csv') {HELP}"),
        ((TRIAL, *ON, "--frobnicate"), f"unrecognized arguments: --frobnicate {HELP}"),
        ((TRIAL, "--on"), f"argument --on: expected one argument {HELP}"),
        ((TRIAL, *ON, "second.yaml"), "unrecognized arguments: second.yaml"),
        ((TRIAL, "--on", "infusion=0001-01-01"), YEARS),
        ((TRIAL, "--on", "infusion=0001-01-20", "--calendar", "CN"), YEARS),
        ((TRIAL, "--on", "infusion=9999-12-31"), YEARS),
        ((TRIAL, "--on", "infusion=9999-12-31T23:59", "--calendar", "CN"), "end of the calendar"),
        (("NCT07339332", "--on", "infusion=9999-12-31", "--with", "childbearing_potential"), YEARS),
        ((TRIAL, "--on", "infusion=2026-03-29T02:30", "--zone", "Europe/Berlin"),
         ("'2026-03-29T02:30' in Europe/Berlin: 02:30 does not exist on 2026-03-29: the clocks go from 02:00 "
          "to 03:00. Enter another hour.")),
        ((TRIAL, "--on", "infusion=2026-03-08T02:00", "--zone", "America/New_York"),
         "the clocks go from 02:00 to 03:00"),
        ((TRIAL, "--on", "infusion=2011-12-30T12:00", "--zone", "Pacific/Apia"),
         "the clocks go from 2011-12-30 00:00 to 2011-12-31 00:00"),
        ((TRIAL, "--on", "infusion=2026-10-25T02:30", "--zone", "Europe/Berlin"),
         ("'2026-10-25T02:30' comes twice in Europe/Berlin: write 2026-10-25T02:30+02:00 or "
          "2026-10-25T02:30+01:00")),
        ((TRIAL, "--actual", "infusion=2026-11-01T01:15", "--zone", "America/New_York"), "comes twice"),
    ],
)  # fmt: skip
def test_anything_else_that_is_wrong_is_refused_in_one_line(plan, arguments, expected):
    assert expected in _refused(plan(*arguments))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "has faults: "),
        (b"\x00\x01\x02\x93\xff\xfe", "is not UTF-8; save the file as UTF-8 (see check_protocol)"),
        (b"\x00\x00", "has faults: "),
        (b"format: 1\n", "has faults: "),
        (b"format: 2\ntrial: X\n", "has faults: "),
        (b"- a\n- b\n", "has faults: "),
        (b"just a text", "has faults: "),
        (b"a: [1, 2\nb: }", "has faults: "),
        (b"a: &x [*x]\n", "has faults: "),
        (b"a: 1\na: 2\n", "has faults: "),
        (b"!!python/object/apply:os.system ['true']", "has faults: "),
        (b"\xef\xbb\xbfformat: 1", "has faults: "),
    ],
)
def test_a_faulty_document_is_refused_in_one_line(plan, tmp_path, content, expected):
    document = tmp_path / "mine.yaml"
    document.write_bytes(content)
    told = _refused(plan(str(document), *ON))
    assert expected in told
    assert told.startswith(f"CommandError: {document} has faults: ")


def test_a_document_with_one_fault_is_refused_by_its_place(plan, tmp_path):
    document = (LIBRARY / f"{TRIAL}.yaml").read_text(encoding="utf-8")
    broken = tmp_path / "broken.yaml"
    broken.write_text(document.replace("at: P28D", "at: 28 days"), encoding="utf-8")
    told = _refused(plan(str(broken), *ON))
    assert "visits[" in told
    assert "28 days" in told


def test_a_file_that_may_not_be_read_is_refused(plan, tmp_path, monkeypatch):
    document = tmp_path / "secret.yaml"
    document.write_text("format: 1", encoding="utf-8")

    def refuse(*_: object) -> bytes:
        raise PermissionError(13, "Permission denied", str(document))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    monkeypatch.setattr(Path, "open", refuse)
    assert "Permission denied" in _refused(plan(str(document), *ON))


def _refused(result):
    """The one line on standard error, with exit 2 and nothing on standard output."""
    code, out, err = result
    assert (code, out) == (2, "")
    assert "Traceback" not in err
    assert err.endswith("\n")
    (line,) = err.splitlines()
    assert line.startswith("CommandError: ")
    return line
