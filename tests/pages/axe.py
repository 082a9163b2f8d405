"""`make axe`: axe-core on every page, in both languages, themes and sizes, and what a first load weighs.

Ends with 1 where a page has a violation, scrolls sideways, or weighs more than LIMIT. `--sample` looks with
two of the eight readers, `--readers 390-dark-en ...` with those named; the first of the eight weighs as well.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.pages.demo import served_demo

LIMIT = 250_000
"""Bytes of a first load, as they travel: the page and all that it loads (issue 16)."""
NAMED = {
    "api-docs": "the API's documentation is Swagger's page; its violations are Swagger's",
}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], help="names of pages; all of them")
    parser.add_argument("--sample", action="store_true", help="two readers in place of eight")
    parser.add_argument("--readers", nargs="*", default=[], help="such as 390-dark-zh-hans; all eight")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, served_demo(Path(scratch)) as server:
        wrong = _look(server, asked.only, asked.readers, sample=asked.sample)
    print(f"{len(wrong)} faults")
    sys.exit(bool(wrong))


def violations(page: Any) -> list[str]:
    """What axe-core finds on a page that is open, in words: the rule, how often, and the first place."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}}).response["violations"]
    return [
        f"{one['id']} ({len(one['nodes'])}): {one['nodes'][0]['target'][0]}: {one['nodes'][0]['html'][:100]}"
        for one in found
    ]


def _look(server: str, only: list[str], named: list[str], *, sample: bool) -> list[str]:
    from tests.pages.addresses import REFUSED, pages
    from tests.pages.browsing import READERS, Windows, browser

    found, left_out = pages()
    readers = [READERS[0], READERS[-1]] if sample else [*READERS]
    if named:
        readers = [reader for reader in READERS if reader.name in named]
    wrong = _Told()
    heaviest = (0, "")
    with browser() as chromium:
        for reader in readers:
            windows = Windows(chromium, server, reader)
            for one in found:
                if only and one.name not in only:
                    continue
                page = windows.of(one.user)
                answer = opened(page, f"{server}{one.address}")
                if answer is None:
                    continue  # a file
                if answer.status >= 400 and one.name not in REFUSED:
                    wrong.append(f"{one.name} {reader.name}: {answer.status}")
                    continue
                if "/accounts/login/" in page.url:
                    wrong.append(f"{one.name} {reader.name}: asks to sign in")
                for words in violations(page):
                    wrong.append(f"{one.name} {reader.name}: {words}")
                across = page.evaluate(
                    "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                )
                if across > 0:
                    wrong.append(f"{one.name} {reader.name}: scrolls sideways by {across}")
            windows.close()
            print(f"{reader.name}: {len(found)} pages", flush=True)
        reader = READERS[0]
        for one in found if reader in readers else ():
            if only and one.name not in only:
                continue
            windows = Windows(chromium, server, reader)  # a cache that is empty
            weight = first_load(windows.of(one.user), f"{server}{one.address}")
            windows.close()
            heaviest = max(heaviest, (weight, one.name))
            if weight > LIMIT:
                wrong.append(f"{one.name}: a first load of {weight // 1000} KB")
    if heaviest[1]:
        print(f"heaviest first load: {heaviest[1]}, {heaviest[0] // 1000} KB")
    for name, why in left_out.items():
        print(f"not visited: {name} ({why})")
    return wrong


class _Told(list[str]):
    """Faults that are printed as they are found: a run of all readers takes most of an hour."""

    def append(self, words: str) -> None:
        """Keep a fault, and print it."""
        print(words, flush=True)
        super().append(words)


def opened(page: Any, address: str) -> Any:
    """Open an address and give the answer; None where it is a file that the browser would keep."""
    from playwright.sync_api import Error

    try:
        return page.goto(address)
    except Error as error:
        if "Download is starting" in str(error):
            return None
        raise


def first_load(page: Any, address: str) -> int:
    """The bytes that travel when a page is opened for the first time, its own and all that it loads."""
    client = page.context.new_cdp_session(page)
    client.send("Network.enable")
    client.send("Network.setCacheDisabled", {"cacheDisabled": True})
    sizes: list[int] = []
    client.on("Network.loadingFinished", lambda event: sizes.append(int(event["encodedDataLength"])))
    if opened(page, address) is None:
        return 0
    page.wait_for_load_state("networkidle")
    return sum(sizes)


if __name__ == "__main__":
    main()
