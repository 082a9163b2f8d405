"""What browsers may do with our pages, and the admin's exception to the strict content policy."""

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


# Nothing here asks for a camera, a place or a payment; passkeys are for our own pages.
PERMISSIONS = ", ".join(
    [
        *(
            f"{feature}=()"
            for feature in (
                *("accelerometer", "autoplay", "browsing-topics", "camera", "display-capture", "geolocation"),
                *("gyroscope", "magnetometer", "microphone", "midi", "payment", "screen-wake-lock", "usb"),
            )
        ),
        "publickey-credentials-create=(self)",
        "publickey-credentials-get=(self)",
    ]
)


class BrowserPolicyMiddleware:
    """Say with every answer what a browser may lend our pages, and that nobody else may embed them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response
