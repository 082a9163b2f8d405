"""Words and phrases that we do not write, wherever they stand: `make words`, part of `make check`.

Each of them was seen to be read twice by somebody who met it for the first time; CONTRIBUTING.md says what
to write instead. Sources, docstrings, comments, templates, messages and documents are read; what the
changelog says of older versions is not.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("config", "trials", "participants", "schedules", "templates", "locale", "docs")
KINDS = {".py", ".html", ".po", ".md", ".txt"}

BANNED = {
    r"anew": "again",
    r"whoever": "anyone who",
    r"be it": "whether",
    r"no(?:ne| \w+) any more": "no longer",
    r"the way is open|opens? the way": "the next participant may start",
    r"(?:pass\w+|those) of before": "former",
    r"goes? on record": "is kept in the audit trail",
    r"the gravest": "the most severe",
    r"it wakes on": "it reappears on",
    r"los(?:e|es|t) (?:their|its) place": "must be rescheduled",
    r"let it be so": "confirm",
    r"goes its way": "is on study",
    r"taken back": "withdrawn",
    r"was asked from here": "too many requests",
    r"give the booking up|given up a booking": "cancel the booking",
    r"put (?:the flag|it) off": "snooze",
    r"mend what is": "correct",
    r"逾期": "已过目标日（窗内）/ 待登记",
    r"(?<!临床)研究协调员": "临床研究协调员（CRC）",
    r"参与者": "受试者",
}
KEPT = "Whoever has no lymphodepletion has neither chemotherapy nor rest"
"""A sentence of a shipped protocol, whose text was published and stays."""
PATTERN = re.compile("|".join(f"(?P<w{n}>{_word})" for n, _word in enumerate(
    rf"\b(?:{banned})\b" if banned.isascii() else banned for banned in BANNED)), re.IGNORECASE)  # fmt: skip


def found() -> Iterator[str]:
    """Every place with a phrase that we do not write, and what to write instead."""
    files = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*"))]
    for path in [*files, ROOT / "README.md", ROOT / "CONTRIBUTING.md"]:
        if path.suffix not in KINDS or "migrations" in path.parts:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            for match in PATTERN.finditer(line.replace(KEPT, "")):
                better = list(BANNED.values())[int((match.lastgroup or "w0")[1:])]
                yield f"{path.relative_to(ROOT)}:{number}: “{match.group(0)}”: write “{better}”"


if __name__ == "__main__":
    places = list(found())
    print("\n".join(places[: None if "--all" in sys.argv else 40]))
    print(f"{len(places)} phrases that we do not write.")
    sys.exit(bool(places) and "--strict" in sys.argv)
