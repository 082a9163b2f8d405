"""The system's Chromium, driven by Playwright; nothing is downloaded."""

import os
import shutil
from typing import Any

import pytest
from playwright.sync_api import ConsoleMessage, Page

# Playwright keeps an event loop in the tests' thread, which Django would take for asynchronous code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

CHROMIUM = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)

# A closed network: Chromium must not look anything up by itself. As root it has no sandbox.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Start the machine's own Chromium."""
    return browser_type_launch_args | {"executable_path": CHROMIUM, "args": QUIET}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """See the pages as a coordinator in Hangzhou does."""
    return browser_context_args | {"timezone_id": "Asia/Shanghai", "locale": "en-GB"}


@pytest.fixture
def complaints(page: Page) -> list[str]:
    """What the browser complains of while a test runs: errors in scripts, refused content."""
    heard: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.location["url"].endswith("/favicon.ico"):
            heard.append(message.text)

    page.on("console", listen)
    page.on("pageerror", lambda error: heard.append(str(error)))
    return heard
