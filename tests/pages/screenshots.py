"""`make screenshots`: every page as a picture, in both languages, themes and sizes.

`python -m tests.pages.screenshots FOLDER [--only NAME ...] [--docs]`; `--docs` renews the few that the
documents show (docs/images).
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.pages.demo import ROOT, served_demo

DOCUMENTED = {
    "today": ("1280-light-en", "today.png"),
    "participant": ("1280-light-en", "participant.png"),
    "planner-busy": ("1280-light-en", "planner.png"),
    "setup": ("1280-light-en", "setup.png"),
    "visit-card": ("1280-light-zh-hans", "card-zh.png"),
    "paper": ("1280-light-en", "week-on-paper.png"),
    "flags": ("1280-light-en", "flags.png"),
    "readiness": ("1280-light-en", "readiness.png"),
    "record-activities": ("1280-light-en", "record.png"),
}
ON_A_PHONE = {"today": ("390-dark-zh-hans", "today-phone-zh.png")}
"""The few pictures that the documents show: which reader sees them, and their name in docs/images."""
HEIGHT = 1500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "screenshots")
    parser.add_argument("--only", nargs="*", default=[], help="names of pages; all of them")
    parser.add_argument("--readers", nargs="*", default=[], help="such as 390-dark-zh-hans; all eight")
    parser.add_argument("--docs", action="store_true", help="renew docs/images and nothing else")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, served_demo(Path(scratch)) as server:
        if asked.docs:
            _renew_documents(server, asked.only)
        else:
            _take(server, asked.folder, asked.only, asked.readers)


def _take(server: str, folder: Path, only: list[str], readers: list[str]) -> None:
    from tests.pages.addresses import pages
    from tests.pages.axe import opened
    from tests.pages.browsing import READERS, Windows, browser, picture

    found, left_out = pages()
    with browser() as chromium:
        for reader in READERS:
            if readers and reader.name not in readers:
                continue
            windows = Windows(chromium, server, reader)
            for one in found:
                if only and one.name not in only:
                    continue
                page = windows.of(one.user)
                if opened(page, f"{server}{one.address}") is None:
                    continue  # a file
                if "/accounts/login/" in page.url:
                    raise RuntimeError(f"{one.name}: the session does not hold")
                picture(page, folder / reader.name / f"{one.name}.png")
            windows.close()
            print(f"{folder / reader.name}: {len(found)} pages", flush=True)
    for name, why in left_out.items():
        print(f"not visited: {name} ({why})")


def _renew_documents(server: str, only: list[str]) -> None:
    from tests.pages.addresses import pages
    from tests.pages.browsing import READERS, Windows, browser

    found = {one.name: one for one in pages()[0]}
    wanted = [*DOCUMENTED.items(), *ON_A_PHONE.items()]
    with browser() as chromium:
        for reader in READERS:
            windows = Windows(chromium, server, reader)
            for name, (who, file) in wanted:
                if who != reader.name or name not in found or (only and name not in only):
                    continue
                page = windows.of(found[name].user)
                page.goto(f"{server}{found[name].address}")
                tall = page.evaluate("document.documentElement.scrollHeight")
                clip = {"x": 0, "y": 0, "width": reader.width, "height": min(HEIGHT, tall)}
                page.screenshot(path=ROOT / "docs" / "images" / file, full_page=True, clip=clip)
                print(f"docs/images/{file}", flush=True)
            windows.close()


if __name__ == "__main__":
    main()
