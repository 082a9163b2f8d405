"""`manage.py check_protocol`: what it prints and how it leaves."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from tests.unit.protocols.documents import SMALL
from trials.management.commands.check_protocol import Command


def check(file):
    """The lines that the command prints, and its exit code."""
    out = io.StringIO()
    try:
        call_command("check_protocol", str(file), stdout=out)
    except SystemExit as left:
        return out.getvalue().splitlines(), left.code
    return out.getvalue().splitlines(), 0


@pytest.fixture
def document(tmp_path, monkeypatch):
    """Writes the small document, with one text replaced, where the command runs."""
    monkeypatch.chdir(tmp_path)

    def write(right="", wrong=""):
        path = tmp_path / "my.yaml"
        path.write_text(SMALL.replace(right, wrong) if right else SMALL, encoding="utf-8")
        return path

    return write


def test_a_sound_document_has_nothing_to_tell(document):
    assert check(document()) == (["my.yaml: 0 faults, 0 warnings"], 0)


def test_a_fault_is_told_on_one_line_with_its_place_and_its_remedy(document):
    lines, code = check(document("Asia/Shanghai", "Asia/Shanghia"))
    told = (
        "my.yaml:6: fault: zone: the zone 'Asia/Shanghia' is not known; did you mean 'Asia/Shanghai'? "
        "give a name of the IANA database, for instance Asia/Shanghai"
    )
    assert lines == [told, "my.yaml: 1 fault, 0 warnings"]
    assert code == 1


def test_a_warning_alone_does_not_make_a_document_wrong(document):
    lines, code = check(document("planned_end: 2028-12-31", "planned_end: 2026-12-31"))
    assert [line.split(": ")[1] for line in lines] == ["warning", "0 faults, 1 warning"]
    assert code == 0


def test_faults_and_warnings_come_together(document):
    path = document("planned_end: 2028-12-31", "planned_end: 2026-12-31\nday_count: 5")
    lines, code = check(path)
    assert lines[-1] == "my.yaml: 1 fault, 0 warnings", (
        "the shape comes first: warnings need a whole document"
    )
    assert code == 1
    lines, code = check(document("planned_end: 2028-12-31", "planned_end: 2026-12-31\nhold: null"))
    assert lines[-1] == "my.yaml: 1 fault, 1 warning", "hold stands twice, but the first can be judged"
    assert code == 1


def test_a_shipped_trial_may_be_named_by_its_code():
    lines, code = check("NCT07331467")
    assert code == 0
    assert any("'d90' and 'm3' overlap" in line for line in lines)
    assert not any("'d21'" in line or "'d28'" in line for line in lines)


@pytest.mark.parametrize("file", ["none.yaml", ".", "NCT00000000", "a\0b"])
def test_what_cannot_be_read_is_one_line_and_exit_2(file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CommandError) as refused:
        check(file)
    assert refused.value.returncode == 2
    assert len(str(refused.value).splitlines()) == 1
    assert "cannot be read" in str(refused.value)
    assert "NCT07193667" in str(refused.value)


def test_no_file_is_one_line_and_exit_2(capsys):
    with pytest.raises(SystemExit) as left:
        Command().run_from_argv(["manage.py", "check_protocol"])
    assert left.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
