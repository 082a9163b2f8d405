"""How the server is, for whatever watches it: `/health/`, without signing in."""

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from trials.audit.database_roles import powers_of_this_role

NO_DATABASE = "The database does not answer."
ROLE = "The database role could switch the audit trail off: run `manage.py separate_roles`."


@never_cache
@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """Answer 200 where the database answers, else 503; `problems` says what has to be mended."""
    try:
        if connection.vendor == "sqlite":
            connection.ensure_connection()
        problems = [ROLE] if powers_of_this_role(connection) else []
    except DatabaseError:
        return JsonResponse({"status": "unavailable", "problems": [NO_DATABASE]}, status=503)
    return JsonResponse({"status": "attention" if problems else "ok", "problems": problems})
