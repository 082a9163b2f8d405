"""Whether a container is well, for its health check: `probe.py web` or `probe.py alive FILE SECONDS`.

The standard library alone, so that it costs little: it runs every half minute in every container.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path


def web() -> str:
    """What is wrong with the web server on PORT; nothing where it can serve."""
    port = os.environ.get("PORT", "8000")
    host = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].strip().lstrip(".*") or "localhost"
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/health/ready/", headers={"Host": host, "X-Forwarded-Proto": "https"}
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            return "" if answer.status == 200 else f"answered {answer.status}"  # noqa: PLR2004
    except urllib.error.HTTPError as error:
        try:
            return "; ".join(json.load(error)["problems"])
        except (ValueError, KeyError):
            return f"answered {error.code}"
    except OSError as error:
        return f"does not answer: {error}"


def alive(file: str, seconds: str) -> str:
    """What is wrong where a process should have touched a file within so many seconds.

    One that is dated ahead was touched before a clock was put back, and not since.
    """
    try:
        age = time.time() - Path(file).stat().st_mtime
    except OSError:
        return f"{file} is not there"
    return "" if abs(age) <= float(seconds) else f"{file} is {age:.0f} seconds old"


if __name__ == "__main__":
    what, *given = sys.argv[1:]
    wrong = {"web": web, "alive": alive}[what](*given)
    sys.exit(f"{what}: {wrong}" if wrong else 0)
