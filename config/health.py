"""How the server is, for whatever watches it and without signing in.

`/health/live/`: the process answers; restart it if not. `/health/ready/`: it can serve; keep away if not.
`/health/`: the same, and what an administrator should mend although it can serve.
"""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from trials.audit.database_roles import powers_of_this_role
from trials.selectors.operations.state import missing_migrations

NO_DATABASE = "The database does not answer."
ROLE = "The database role could switch the audit trail off: run `manage.py separate_roles`."
MIGRATE = "The database is of another release: run `manage.py migrate`."


@never_cache
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """Answer that the process answers; nothing else is asked."""
    return JsonResponse({"status": "ok", "problems": []})


@never_cache
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Answer 200 where the database answers and has had all migrations, else 503."""
    return _answer(_hindrances())


@never_cache
@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """Answer 200 where it can serve, else 503; `problems` says what has to be mended."""
    hindrances = _hindrances()
    if hindrances:
        return _answer(hindrances)
    problems = [ROLE] if powers_of_this_role(connection) else []
    return JsonResponse({"status": "attention" if problems else "ok", "problems": problems})


def _hindrances() -> list[str]:
    try:
        return [MIGRATE] if missing_migrations() else []
    except DatabaseError:
        return [NO_DATABASE]


def _answer(hindrances: list[str]) -> HttpResponse:
    if hindrances:
        return JsonResponse({"status": "unavailable", "problems": hindrances}, status=503)
    return JsonResponse({"status": "ok", "problems": []})
