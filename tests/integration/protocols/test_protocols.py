"""Protocol documents become versions: drafts may change, published ones stand."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.cast import NOW, a_version, document
from tests.protocols import document_of
from trials.domain.errors import ProtocolInvalid
from trials.domain.protocols.protocol import ASSUMED, DoseLevel
from trials.formats.protocols import library, yaml
from trials.models import Cohort, ProtocolVersion, Trial, User
from trials.selectors.records import DocumentAltered, protocol_of, published_versions
from trials.services.protocols.publishing import VersionPublished, import_protocol, publish_protocol

pytestmark = pytest.mark.django_db

CODES = library.codes()


@pytest.mark.parametrize("code", CODES)
def test_a_shipped_protocol_is_taken_in_with_its_trial(code: str) -> None:
    protocol = library.load(code)
    version = import_protocol(text=library.path(code).read_text(encoding="utf-8"), by=None)
    assert (version.label, version.digest) == (protocol.version, yaml.digest(protocol))
    assert version.published_at is None
    assert protocol_of(version) == protocol
    trial = version.trial
    trial.refresh_from_db()
    assert (trial.code, trial.title) == (code, protocol.title)
    assert (trial.planned_number, trial.planned_end) == (protocol.planned_number, protocol.planned_end)
    assert trial.registry_id == (code if code.startswith("NCT") else "")
    assert list(trial.cohorts.values_list("code", "label", "planned_number")) == [
        (level.code, level.label, level.planned) for level in protocol.dose_levels
    ]


def test_the_same_content_again_changes_nothing() -> None:
    first = import_protocol(text=document(), by=None)
    Trial.objects.filter(pk=first.trial_id).update(planned_number=99)
    again = import_protocol(text="# a remark says nothing\n" + document(), by=None)
    assert (again.pk, ProtocolVersion.objects.count()) == (first.pk, 1)
    assert Trial.objects.get().planned_number == 99, "what was set by hand since then stays"


def test_a_draft_is_replaced_by_other_content() -> None:
    first = import_protocol(text=document(), by=None)
    second = import_protocol(text=document().replace("Template for", "A template for"), by=None)
    assert (second.pk, ProtocolVersion.objects.count()) == (first.pk, 1)
    assert second.digest != first.digest
    assert Trial.objects.get().title.startswith("A template for")


def test_a_published_version_is_not_replaced() -> None:
    version = a_version()
    with pytest.raises(VersionPublished, match="Version 1 of CART-SLE is published with other content"):
        import_protocol(text=document().replace("Template for", "A template for"), by=None)
    version.refresh_from_db()
    assert version.document == document()
    assert Trial.objects.get().title.startswith("Template for")


def test_a_new_version_stands_beside_the_published_one() -> None:
    first = a_version()
    second = a_version(text=document().replace('version: "1"', 'version: "2"'))
    draft = import_protocol(text=document().replace('version: "1"', 'version: "3"'), by=None)
    assert first.trial == second.trial == draft.trial
    assert set(published_versions(first.trial)) == {first, second}


def test_faults_are_all_named_and_nothing_is_written() -> None:
    text = document().replace("day_zero: infusion", "day_zero: moon").replace("-P28D", "-28 days", 1)
    with pytest.raises(ProtocolInvalid) as refused:
        import_protocol(text=text, by=None)
    assert len(refused.value.problems) >= 1
    assert not Trial.objects.exists()


def test_texts_too_long_to_store_are_named() -> None:
    protocol = library.load("CART-SLE")
    visits = (replace(protocol.visits[0], label="x" * 113), *protocol.visits[1:])
    with pytest.raises(ProtocolInvalid) as refused:
        import_protocol(text=document_of(replace(protocol, title="y" * 301, visits=visits)), by=None)
    assert [str(problem) for problem in refused.value.problems] == [
        "title: 301 characters are given; give at most 300",
        "visits[0].label: 113 characters are given; give at most 112",
    ]
    assert not Trial.objects.exists()


def test_names_of_activities_and_facts_that_no_row_can_hold_are_named() -> None:
    """They were published, and the first visit with the activity could not be recorded on PostgreSQL."""
    text = document("NCT07193667").replace("label: Blood count", f"label: {'x' * 201}", 1)
    text = text.replace("code: blood-count", f"code: {'b' * 61}", 1).replace(
        "activity: blood-count", f"activity: {'b' * 61}"
    )
    text = text.replace("of: [immunosuppressant]", f"of: [{'i' * 81}]", 1)
    with pytest.raises(ProtocolInvalid) as refused:
        import_protocol(text=text, by=None)
    said = [str(problem).partition(";")[0].partition(": ") for problem in refused.value.problems]
    assert {(path.partition("[")[0], words) for path, _colon, words in said} == {
        ("activities", "61 characters are given"),
        ("activities", "201 characters are given"),
        ("windows", "81 characters are given"),
    }


def _levels(*codes: str) -> str:
    levels = tuple(DoseLevel(code, f"Level {code}", ASSUMED, planned=3) for code in codes)
    return document_of(replace(library.load("CART-SLE"), dose_levels=levels))


@pytest.mark.parametrize(
    ("before", "after", "expected", "why"),
    [
        ("abc", "abc", "abc", "the same"),
        ("abc", "cab", "cab", "positions change places"),
        ("ab", "abc", "abc", "a level is added"),
        ("abc", "ca", "cab", "a level that is no longer named comes last, for participants may be in it"),
        ("", "ab", "ab", "levels where there were none"),
    ],
)
def test_dose_levels_keep_the_order_of_the_document(before: str, after: str, expected: str, why: str) -> None:
    import_protocol(text=_levels(*before), by=None)
    kept = dict(Cohort.objects.values_list("code", "pk"))
    import_protocol(text=_levels(*after), by=None)
    assert "".join(Cohort.objects.order_by("position").values_list("code", flat=True)) == expected, why
    assert kept.items() <= dict(Cohort.objects.values_list("code", "pk")).items(), (
        "and they stay the same rows"
    )


def test_publishing_says_who_and_when_and_again_changes_nothing() -> None:
    user = User.objects.create(username="designer")
    draft = import_protocol(text=document(), by=user)
    published = publish_protocol(version=draft, by=user, now=NOW)
    assert (published.published_at, published.published_by) == (NOW, user)
    again = publish_protocol(version=draft, by=None, now=NOW + timedelta(days=1))
    assert (again.published_at, again.published_by) == (NOW, user)


def test_a_draft_spoilt_behind_the_services_is_not_published() -> None:
    draft = import_protocol(text=document(), by=None)
    ProtocolVersion.objects.filter(pk=draft.pk).update(document="format: 1\n")
    with pytest.raises(ProtocolInvalid):
        publish_protocol(version=draft, by=None, now=NOW)
    draft.refresh_from_db()
    assert draft.published_at is None


def test_a_document_that_is_not_the_one_its_digest_names_is_not_read() -> None:
    draft = import_protocol(text=document(), by=None)
    with pytest.raises(DocumentAltered):
        protocol_of(ProtocolVersion(pk=draft.pk, document=draft.document, digest="sha256:0"))


def test_a_protocol_is_read_once_and_its_document_then_not_even_fetched() -> None:
    version = a_version()
    protocol = protocol_of(version)
    deferred = ProtocolVersion.objects.defer("document").get(pk=version.pk)
    with CaptureQueriesContext(connection) as captured:
        assert protocol_of(deferred) is protocol
    assert len(captured) == 0


PUBLISHED = "a published protocol version cannot be changed or deleted"


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE trials_protocolversion SET document = 'x' WHERE id = %s", "another document"),
        ("UPDATE trials_protocolversion SET label = 'x' WHERE id = %s", "another name"),
        ("UPDATE trials_protocolversion SET published_at = NULL WHERE id = %s", "back to a draft"),
        ("UPDATE trials_protocolversion SET trial_id = trial_id WHERE id = %s", "even without a change"),
        ("DELETE FROM trials_protocolversion WHERE id = %s", "gone"),
    ],
)
def test_the_database_itself_keeps_what_is_published(statement: str, why: str) -> None:
    version = a_version()
    with pytest.raises(IntegrityError, match=PUBLISHED), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, [version.pk])
    assert ProtocolVersion.objects.get().document == document(), why


def test_the_database_refuses_to_empty_the_table(lane: str) -> None:
    if lane == "sqlite":
        pytest.skip("SQLite knows no TRUNCATE: it is a DELETE there")
    a_version()
    connection.check_constraints()
    statement = "TRUNCATE trials_protocolversion CASCADE"
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert ProtocolVersion.objects.exists()


def test_the_database_refuses_to_put_another_row_in_its_place(lane: str) -> None:
    if lane == "postgres":
        pytest.skip("PostgreSQL knows no REPLACE")
    version = a_version()
    columns = "id, trial_id, label, document, digest, created_at, published_at, published_by_id"
    statement = (
        f"INSERT OR REPLACE INTO trials_protocolversion ({columns}) SELECT id, trial_id, label, 'x', digest, "
        "created_at, published_at, published_by_id FROM trials_protocolversion WHERE id = %s"
    )
    with pytest.raises(IntegrityError, match=PUBLISHED), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, [version.pk])
    assert ProtocolVersion.objects.get().document == document()


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (lambda version: ProtocolVersion.objects.filter(pk=version.pk).update(label="x"), "a bulk update"),
        (lambda version: version.delete(), "a deletion by the ORM"),
        (lambda version: version.save(), "a save by the ORM"),
    ],
)
def test_nor_does_the_orm_get_past_it(act: Callable[[ProtocolVersion], object], why: str) -> None:
    version = a_version()
    with pytest.raises(IntegrityError), transaction.atomic():
        act(version)
    assert ProtocolVersion.objects.get().label == "1", why


def test_a_draft_may_be_changed_and_deleted() -> None:
    draft = import_protocol(text=document(), by=None)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE trials_protocolversion SET label = 'x' WHERE id = %s", [draft.pk])
        cursor.execute("DELETE FROM trials_protocolversion WHERE id = %s", [draft.pk])
    assert not ProtocolVersion.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_four_at_once_take_in_one_document_as_one_version() -> None:
    start = threading.Barrier(4)
    outcomes: list[object] = []

    def run() -> None:
        start.wait()
        try:
            version = import_protocol(text=document(), by=None)
            outcomes.append(publish_protocol(version=version, by=None, now=NOW).pk)
        except Exception as error:  # noqa: BLE001 - whatever it is must be seen below
            outcomes.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(outcomes) == {ProtocolVersion.objects.get().pk}
    assert (Trial.objects.count(), ProtocolVersion.objects.count()) == (1, 1)


def test_the_planned_end_comes_from_the_document() -> None:
    assert a_version("NCT07331467").trial.planned_end == date(2028, 8, 31)


def test_what_was_published_by_older_rules_stays_readable(db):
    """An anchor that nothing sets is a fault today; a version that has one was taken in before that."""
    text = re.sub(
        r"(?m)^anchors:.*\n", "anchors:\n  - {code: surgery, label: Surgery}\n", document(), count=1
    )
    text = text.replace("from: infusion", "from: surgery", 1)
    with pytest.raises(ProtocolInvalid, match="surgery"):
        import_protocol(text=text, by=None)
    trial = import_protocol(text=document(), by=None).trial
    digest = yaml.digest(yaml.load_kept(text, "older"))
    older = ProtocolVersion.objects.create(trial=trial, label="older", document=text, digest=digest)
    assert "surgery" in protocol_of(older).anchor_by_code


def test_a_document_that_would_keep_a_request_too_long_is_refused_unread(db):
    with pytest.raises(ProtocolInvalid, match="give at most 262,144"):
        import_protocol(text=document() + "\n# " + "x" * 300_000, by=None)
