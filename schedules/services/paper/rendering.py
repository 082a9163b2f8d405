"""Make paper of a template: a page to print by itself, or a PDF."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NoReturn

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from trials.domain.errors import DomainError

STYLE = settings.BASE_DIR / "static" / "paper.css"
SECONDS = 10


class PdfUnavailable(DomainError):
    """No PDF can be made on this machine; the message says what is missing and what to do instead."""


def paper_page(template: str, context: Mapping[str, Any], language: str) -> str:
    """Return a template of `paper/` as a whole page that a browser prints, in a language."""
    return _page(template, context, language, pdf=False)


def paper_pdf(template: str, context: Mapping[str, Any], language: str) -> bytes:
    """Return a template of `paper/` as a PDF, in a language.

    Raises PdfUnavailable where WeasyPrint or Pango is missing, or a font for Chinese. Nothing is fetched.
    """
    try:
        from weasyprint import CSS, HTML  # noqa: PLC0415 - heavy, and it needs Pango, which may be missing
    except (ImportError, OSError) as error:
        raise PdfUnavailable(_no_pango()) from error
    if not has_font(language):
        message = _("This server has no font for Chinese (fonts-noto-cjk). Print the page from the browser.")
        raise PdfUnavailable(message)
    html = HTML(string=_page(template, context, language, pdf=True), url_fetcher=_fetch_nothing)
    made: bytes = html.write_pdf(stylesheets=[CSS(string=STYLE.read_text(encoding="utf-8"))])
    return made


@lru_cache(maxsize=4)
def has_font(language: str) -> bool:
    """Say whether the machine has a font for a language; where that cannot be asked, take it to have one."""
    if not language.startswith("zh") or shutil.which("fc-list") is None:
        return True
    asked = ["fc-list", ":lang=zh-cn", "family"]
    try:
        found = subprocess.run(asked, capture_output=True, timeout=SECONDS, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return True
    return bool(found.stdout.strip())


def _page(template: str, context: Mapping[str, Any], language: str, *, pdf: bool) -> str:
    with translation.override(language):
        return render_to_string(f"paper/{template}", {**context, "language": language, "pdf": pdf})


def _no_pango() -> str:
    return _("This server cannot make PDF files: Pango is missing. Print the page from the browser.")


def _fetch_nothing(url: str, *_args: Any, **_more: Any) -> NoReturn:
    raise ValueError(f"paper refers to nothing outside: {url}")
