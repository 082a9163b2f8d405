"""The one exception to the strict content security policy: the admin's own scripts and styles."""

from collections.abc import Callable

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

# unfold evaluates Alpine's expressions and sets style attributes; nothing else here may.
ADMIN_DIRECTIVES = {
    "script-src": [SELF, UNSAFE_EVAL],
    "style-src-attr": [UNSAFE_INLINE],
}


class AdminPolicyMiddleware:
    """Loosen the policy for pages below the admin's address, and for no other."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.path_info.startswith(reverse("admin:index")):
            # the attribute that django-csp's own decorator sets
            response._csp_replace = ADMIN_DIRECTIVES  # type: ignore[attr-defined]  # noqa: SLF001
        return response
