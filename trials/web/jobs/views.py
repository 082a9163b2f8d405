"""Jobs: the list of one's own, the progress of one, its file, and how to cancel it."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from trials import request_clock
from trials.domain.accounts.access import Right
from trials.models import Job, Trial, User
from trials.selectors.jobs import has_file, jobs_of, parts_of
from trials.selectors.protocols.approvals import may_throughout
from trials.services.jobs.jobs import cancel_job
from trials.web.shared.query_params import query_params
from trials.zones import roles_day

MOST = 50


@never_cache
@login_required
@require_safe
@query_params()
def jobs(request: HttpRequest) -> HttpResponse:
    """The jobs that one asked for."""
    return render(request, "jobs/list.html", {"jobs": jobs_of(_user(request))[:MOST]})


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@query_params()
def job(request: HttpRequest, pk: int) -> HttpResponse:
    """How far a job has come; posted, it is cancelled. Asked by htmx, the part that changes."""
    found = _job(request, pk)
    if request.method == "POST":
        cancel_job(job=found, now=request_clock.now())
        messages.success(request, _("Cancelled. What was made of it is dropped."))
        return redirect("job", pk=pk)
    context = {"job": found, "has_file": found.state == "done" and has_file(found)}
    part = request.headers.get("HX-Request") == "true"
    return render(request, "jobs/state.html" if part else "jobs/job.html", context)


@never_cache
@login_required
@require_safe
def job_file(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The file of a job, for who asked for it and may still have it."""
    found = _job(request, pk)
    if found.state != "done" or not has_file(found) or not _may_have(request, found):
        raise Http404
    response = StreamingHttpResponse(parts_of(found), content_type="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="{found.file_name}"'
    return response


def _may_have(request: HttpRequest, found: Job) -> bool:
    """A right that has ended since ends the way to the file too."""
    today = roles_day(request_clock.now())
    return may_throughout(_user(request), Right.CLOSE, Trial(pk=found.about), today)


def _job(request: HttpRequest, pk: int) -> Job:
    found = jobs_of(_user(request)).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
