"""The one initial migration of each app makes the schema that the files before it made, on both databases."""

import json
import re
import sys
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from tests import servers
from tests.production.running import run


def empty(database: str, folder: Path) -> str:
    """The address of an empty database."""
    if database == "sqlite":
        return f"sqlite:///{folder / f'{uuid4().hex}.sqlite3'}"
    name = f"schema_{uuid4().hex}"
    with psycopg.connect(servers.postgres_url(), autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
    return re.sub(r"/[^/?]*\?", f"/{name}?", servers.postgres_url())


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_the_one_file_makes_the_schema_that_the_files_before_it_made(database: str, tmp_path: Path) -> None:
    made = {}
    for way in ("old", "new"):
        given = {
            "DATABASE_URL": empty(database, tmp_path),
            "DJANGO_SETTINGS_MODULE": "config.settings.development",
        }
        made[way] = json.loads(
            run(sys.executable, "-m", "tests.production.schemas", way, **given).splitlines()[-1]
        )
    assert made["old"].keys() == made["new"].keys()
    assert {name: what for name, what in made["old"].items() if what != made["new"][name]} == {}
