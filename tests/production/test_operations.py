"""docs/operations.md is followed: every block of commands, in order, on what docker-compose.yml starts."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.production.image import ROOT, Compose
from tests.production.stack import COLLECTING, Checkout, Stack, running, shimmed
from tests.production.test_settings import environment_file

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
FILLED_IN = {
    "SECRET_KEY": "k7#" * 20 + "abcdefgh",
    "ALLOWED_HOSTS": "localhost",
    "POSTGRES_PASSWORD": "owner",
    "POSTGRES_APP_PASSWORD": "app",
    "WEB_CONCURRENCY": "1",
    "WEB_THREADS": "8",
    "WORKER_CONCURRENCY": "1",
}
EXPECTED = {
    "check --database default": "hold up to",
    "backup --check": "is whole",
    "restore ": "Restored: the records as they were at",
    "verify_audit": "The trail is whole.",
    "compose ps": "healthy",
}
"""What a block that holds the words on the left must say."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    tree = Checkout(folder)
    for path in ("/tmp", "/var/lib/dayzero/audit", "/var/lib/dayzero/backups"):  # noqa: S108  the image's
        tree.real(path).mkdir(parents=True)
    command = ["python", "manage.py", "collectstatic", "--noinput", "-v0"]
    subprocess.run(command, cwd=ROOT, env=tree.environment | COLLECTING, check=True)
    with running(Stack(tree, Compose(environment_file(ROOT / ".env.example") | FILLED_IN), folder)) as stack:
        yield stack


@pytest.mark.long
def test_the_page_is_followed_from_its_beginning_to_its_end(stack: Stack, tmp_path: Path) -> None:
    assert len(BLOCKS) >= 9
    with shimmed(stack) as programs:
        for block in BLOCKS:
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", block],
                cwd=tmp_path,
                env={"PATH": f"{programs}:{os.environ['PATH']}"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=600,
                check=False,
            )
            assert done.returncode == 0, block + done.stdout + done.stderr
            for words, said in EXPECTED.items():
                assert words not in block or said in done.stdout, block + done.stdout
    heads = (tree := stack.tree).real("/var/lib/dayzero/audit") / "heads.jsonl"
    assert '"epoch": 1' in heads.read_text(), "the epoch that the restore began has left"
    assert list(tree.real("/var/lib/dayzero/backups").glob("*.backup"))
    assert list((tmp_path / "copies").rglob("*.backup")), "the copy for another machine"


def test_every_setting_and_service_that_the_page_names_is_there() -> None:
    services = set(Compose(FILLED_IN).services())
    lines = re.findall(r"docker compose (?:stop|restart|kill|logs|exec|run) (.*)", "".join(BLOCKS))
    named = re.compile(
        r"(?<![\w/=.-])(?:proxy|web|worker(?:-\w+)?|beat|backup|owner|broker|cache)(?![\w/.=])"
    )
    used = {word for line in lines for word in named.findall(line)}
    assert used <= services
    table = set(re.findall(r"^\| `([a-z-]+)`", PAGE.split("## First start")[0], re.MULTILINE)) | {"cache"}
    assert table == services, "what runs"
    settings = set(re.findall(r"`([A-Z][A-Z_]{3,})(?:=\w+)?`", PAGE))
    assert settings - set(environment_file(ROOT / ".env.example")) <= {"PATH"}


def test_every_measure_that_the_page_names_is_measured() -> None:
    source = (ROOT / "config" / "measures.py").read_text(encoding="utf-8")
    for name in set(re.findall(r"`(dayzero_\w+)", PAGE)) - {"dayzero_app"}:
        shared = re.sub(r"_(open|failed|sent|refused)$", "_{kind}", name)
        assert f'"{name}"' in source or f'"{shared}"' in source, name
