"""Long work in the background: seen, cancelled, begun again after a crash, and had by nobody else."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from tests.cast import a_version
from trials.database_time import database_now
from trials.domain.errors import Refused
from trials.models import Export, Job, JobPart, Trial, User
from trials.selectors.jobs import jobs_left, parts_of
from trials.services.jobs import jobs
from trials.services.jobs.jobs import ATTEMPTS, STALE_AFTER, ask_for_export, cancel_job, claim_job, run_job
from trials.tasks import run_job as run_job_task

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What is rung for, in place of ringing."""
    numbers: list[int] = []
    monkeypatch.setattr(jobs, "ring", lambda _task, number: numbers.append(number))
    return numbers


@pytest.fixture
def keeper() -> User:
    return User.objects.create_superuser("keeper")


@pytest.fixture
def trial() -> Trial:
    return a_version().trial


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_an_export_is_asked_for_made_and_had(keeper: User, trial: Trial, rung: list[int]) -> None:
    client = client_of(keeper)
    answer = client.post(reverse("trial-export", args=[trial.pk]))
    job = Job.objects.get()
    assert answer["Location"] == f"/jobs/{job.pk}/"
    assert rung == [job.pk]
    page = client.get(answer["Location"]).content.decode()
    assert 'hx-trigger="every 2s"' in page
    assert '<noscript><meta http-equiv="refresh"' in page
    run_job_task(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done, job.percent) == ("done", job.total, 100)
    part = client.get(answer["Location"], headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert "hx-trigger" not in part
    file = client.get(f"/jobs/{job.pk}/file/")
    with zipfile.ZipFile(io.BytesIO(b"".join(file.streaming_content))) as kept:  # type: ignore[arg-type]
        assert "manifest.json" in kept.namelist()
    assert Export.objects.get().by == keeper
    assert job.label in client.get("/jobs/").content.decode()


def test_asked_for_twice_it_is_made_once_and_a_third_waits(
    keeper: User, trial: Trial, rung: list[int]
) -> None:
    now = database_now()
    first = ask_for_export(trial=trial, by=keeper, now=now)
    assert ask_for_export(trial=trial, by=keeper, now=now) == first
    for other in (4711, 4712):
        if other == 4712:
            with pytest.raises(Refused, match="Two of your exports"):
                ask_for_export(trial=Trial(pk=other, code="X"), by=keeper, now=now)
        else:
            ask_for_export(trial=Trial(pk=other, code="X"), by=keeper, now=now)
    assert len(rung) == 2


def test_nobody_else_finds_it(keeper: User, trial: Trial, rung: list[int]) -> None:
    job = ask_for_export(trial=trial, by=keeper, now=database_now())
    run_job_task(job.pk)
    other = client_of(User.objects.create_superuser("other"))
    for address in (f"/jobs/{job.pk}/", f"/jobs/{job.pk}/file/"):
        assert other.get(address).status_code == 404
    assert other.post(f"/jobs/{job.pk}/").status_code == 404


def test_a_right_that_has_ended_ends_the_way_to_the_file(keeper: User, trial: Trial, rung: list[int]) -> None:
    job = ask_for_export(trial=trial, by=keeper, now=database_now())
    run_job_task(job.pk)
    User.objects.filter(pk=keeper.pk).update(is_superuser=False)
    assert client_of(keeper).get(f"/jobs/{job.pk}/file/").status_code == 404


def test_one_that_waits_is_cancelled_at_once(keeper: User, trial: Trial, rung: list[int]) -> None:
    job = ask_for_export(trial=trial, by=keeper, now=database_now())
    client_of(keeper).post(f"/jobs/{job.pk}/")
    run_job_task(job.pk)
    job.refresh_from_db()
    assert job.state == "cancelled"
    assert not Export.objects.exists()


def test_one_that_goes_on_is_cancelled_before_anything_is_said_to_have_left(
    keeper: User, trial: Trial, rung: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = ask_for_export(trial=trial, by=keeper, now=database_now())

    def export(*, each: Any, **_: Any) -> None:
        for number in range(1000):
            if number == 500:
                cancel_job(job=job, now=database_now())
            each()
        Export.objects.create(by=keeper, at=database_now(), what="x", form="zip", rows=1)

    monkeypatch.setattr(jobs, "export_trial", export)
    monkeypatch.setattr(jobs, "_SIGN_SECONDS", 0.0)
    run_job_task(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done) == ("cancelled", 500)
    assert not JobPart.objects.exists()
    assert not Export.objects.exists()


def test_one_whose_worker_died_is_begun_again_and_given_up_in_the_end(
    keeper: User, trial: Trial, rung: list[int]
) -> None:
    now = database_now()
    job = ask_for_export(trial=trial, by=keeper, now=now)
    for attempt in range(1, ATTEMPTS + 1):
        assert jobs_left(now, STALE_AFTER) == [job.pk]
        claimed = claim_job(now=now, pk=job.pk)
        assert claimed is not None
        assert claimed.attempts == attempt
        assert claim_job(now=now + STALE_AFTER / 2, pk=job.pk) is None, "somebody does it"
        now += STALE_AFTER + timedelta(seconds=1)
    given_up = claim_job(now=now, pk=job.pk)
    assert given_up is not None
    run_job(given_up)
    job.refresh_from_db()
    assert job.state == "failed"


def test_a_worker_that_was_thought_dead_keeps_nothing(keeper: User, trial: Trial, rung: list[int]) -> None:
    now = database_now()
    job = ask_for_export(trial=trial, by=keeper, now=now)
    slow = claim_job(now=now - STALE_AFTER * 2, pk=job.pk)
    quick = claim_job(now=now, pk=job.pk)
    assert slow is not None
    assert quick is not None
    run_job(slow)
    job.refresh_from_db()
    assert job.state != "done"
    if job.finished_at is None:
        run_job(quick)
        job.refresh_from_db()
        assert job.state == "done"


def test_one_that_fails_says_so_and_keeps_no_file(
    keeper: User, trial: Trial, rung: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = ask_for_export(trial=trial, by=keeper, now=database_now())
    monkeypatch.setattr(jobs, "export_trial", lambda **_: 1 / 0)
    run_job_task(job.pk)
    page = client_of(keeper).get(f"/jobs/{job.pk}/").content.decode()
    assert "It could not be made" in page
    assert "ZeroDivisionError" in page


def test_the_file_is_dropped_after_a_day(keeper: User, trial: Trial, rung: list[int]) -> None:
    job = ask_for_export(trial=trial, by=keeper, now=database_now())
    run_job_task(job.pk)
    assert b"".join(parts_of(job))
    jobs.forget_files(now=database_now() + timedelta(hours=25))
    assert "no longer kept" in client_of(keeper).get(f"/jobs/{job.pk}/").content.decode()
    assert client_of(keeper).get(f"/jobs/{job.pk}/file/").status_code == 404


def test_a_ring_waits_for_the_commit_and_needs_no_broker(
    keeper: User, trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    if connection.vendor == "sqlite":
        monkeypatch.setattr(connection.features, "test_db_allows_multiple_connections", True)
    begun: list[str] = []
    with transaction.atomic():
        ask_for_export(trial=trial, by=keeper, now=database_now())
        begun = [one.name for one in threading.enumerate()]
    for thread in threading.enumerate():
        if thread.name not in begun:
            thread.join(20)
    assert Job.objects.get().state == "done"
