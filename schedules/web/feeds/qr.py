"""A text as a picture that phones read, drawn on the server: the address never reaches another one."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString

_QUIET = 4
"""The empty border around it, in modules, without which cameras do not find it."""


def qr_svg(text: str) -> SafeString:
    """Draw a text as a QR code: an SVG of one path, its colours in the style sheet."""
    import qrcode  # noqa: PLC0415  it brings a library for images

    code = qrcode.QRCode(border=0, error_correction=qrcode.constants.ERROR_CORRECT_M)
    code.add_data(text)
    code.make(fit=True)
    rows = code.get_matrix()
    size = len(rows) + 2 * _QUIET
    path = "".join(
        f"M{x + _QUIET} {y + _QUIET}h1v1h-1z"
        for y, row in enumerate(rows)
        for x, dark in enumerate(row)
        if dark
    )
    return format_html(
        '<svg class="qr" viewBox="0 0 {} {}" aria-hidden="true"><rect width="100%" height="100%"/>'
        '<path d="{}"/></svg>',
        size,
        size,
        path,
    )
