"""A browser that looks at the demo as somebody: with a size, a theme and a language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.conftest import CHROMIUM, QUIET
from tests.pages.demo import session_of

PATIENCE = 300_000
"""Milliseconds that a page may take: what is looked at is the page, on a machine however busy."""


@dataclass(frozen=True, slots=True)
class Reader:
    """How somebody looks: the width, the theme, the language."""

    width: int
    theme: str
    language: str

    @property
    def name(self) -> str:
        """As it stands in names of files: 1280-light-en."""
        return f"{self.width}-{self.theme}-{self.language}"

    @property
    def height(self) -> int:
        """The height of such a screen."""
        return 900 if self.width > 800 else 844


READERS = tuple(
    Reader(width, theme, language)
    for width in (1280, 390)
    for theme in ("light", "dark")
    for language in ("en", "zh-hans")
)


@contextmanager
def browser() -> Iterator[Browser]:
    """The machine's own Chromium; RuntimeError where there is none."""
    if CHROMIUM is None:
        raise RuntimeError("There is no Chromium here: apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        try:
            yield started
        finally:
            started.close()


class Windows:
    """The windows of one reader: one for each who is signed in, kept open."""

    def __init__(self, browser: Browser, server: str, reader: Reader) -> None:
        self.browser, self.server, self.reader = browser, server, reader
        self._open: dict[str, tuple[BrowserContext, Page]] = {}

    def of(self, user: str) -> Page:
        """The window of somebody who is signed in."""
        if user not in self._open:
            self._open[user] = self._opened(user)
        return self._open[user][1]

    def close(self) -> None:
        """Close all of them."""
        for context, _page in self._open.values():
            context.close()

    def _opened(self, user: str) -> tuple[BrowserContext, Page]:
        reader = self.reader
        context = self.browser.new_context(
            viewport={"width": reader.width, "height": reader.height},
            color_scheme="dark" if reader.theme == "dark" else "light",
            timezone_id="Asia/Shanghai",
            locale="en-GB",
        )
        cookies: Sequence[Any] = [
            {"name": "sessionid", "value": session_of(user), "url": self.server},
            {"name": "django_language", "value": reader.language, "url": self.server},
        ]
        context.add_cookies(cookies)
        context.set_default_timeout(PATIENCE)
        return context, context.new_page()


def picture(page: Page, to: Path) -> None:
    """Keep the whole page as a picture."""
    to.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=to, full_page=True)
