"""The image without Docker: its tree, its environment, its commands, and what Compose starts.

Read from Dockerfile, .dockerignore and docker-compose.yml as they stand. Paths of the image become
folders of the test, and names of other services the addresses where they really are; nothing else changes.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cached_property
from importlib.metadata import Distribution, distribution
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.clocks import moved_clock

ROOT = Path(__file__).resolve().parents[2]
SITE = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
NEEDS_ROOT = (
    (
        r"RUN useradd --system --uid \d+ --home-dir \S+ dayzero"
        r"\s+&& install -d -o dayzero (?P<folders>\S+( \S+)*)"
    ),
    (
        r"RUN apt-get update(\s+&& (apt-get install --yes --no-install-recommends\s+[a-z0-9. -]+|"
        r"/usr/share/postgresql-common/pgdg/apt\.postgresql\.org\.sh -y|rm -rf /var/lib/apt/lists/\*))+"
    ),
    r"USER dayzero",
)
"""What a test cannot do without being root, and leaves out but for the folder. It leaves out nothing else."""
RUNS = r"([A-Z_]+=\S+ )*python .*"
"""The commands that a test runs. Another one must not be run on the machine of anyone who tests."""
SAYS_NOTHING = ("FROM", "EXPOSE")
DEPENDENCY = re.compile(
    r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^ ;\\]+)(?:\s*;\s*([^\\]+?))?\s*\\?$", re.MULTILINE
)


def instructions(dockerfile: Path) -> list[tuple[str, str]]:
    """The instructions of the last stage, in order: the word and what follows it."""
    text = re.sub(r"^\s*#.*\n", "", dockerfile.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    last = max(number for number, line in enumerate(lines) if line.startswith("FROM "))
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines[last:])]


def let_in(path: str, patterns: list[str]) -> bool:
    """Whether .dockerignore lets a path in: the last pattern decides that meets it or a folder above it."""
    parts = path.split("/")
    within = ["/".join(parts[: end + 1]) for end in range(len(parts))]
    kept = True
    for pattern in patterns:
        takes_back, plain = pattern.startswith("!"), pattern.lstrip("!").strip("/")
        anywhere = plain.removeprefix("**/")
        names = [plain] if anywhere == plain else [plain, anywhere]
        if any(_meets(name, folder) for name in names for folder in within):
            kept = takes_back
    return kept


def _meets(pattern: str, path: str) -> bool:
    if pattern == "**":
        return True
    wanted, given = pattern.split("/"), path.split("/")
    if wanted[0] == "**":
        return any(_meets("/".join(wanted[1:]), "/".join(given[start:])) for start in range(len(given)))
    return len(wanted) == len(given) and all(map(fnmatch, given, wanted))


@dataclass
class Image:
    """A tree and an environment as the image has them, below one folder of a test."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    command: tuple[str, ...] = ()
    said: str = ""
    """What its RUN lines said."""

    def real(self, path: str) -> Path:
        """Where a path of the image lies for the test."""
        return self.folder / path.lstrip("/")

    @property
    def environment(self) -> dict[str, str]:
        """Its ENV, with the paths replaced."""
        path = self.variables.get("PATH", "").replace("$PATH", os.environ["PATH"]).split(":")
        first = str(self.real(path[0]))
        return {"HOME": str(self.folder)} | self.variables | {"PATH": ":".join([first, *path[1:]])}

    def build(self) -> None:
        """Do what the last stage says."""
        self.real("/tmp").mkdir(parents=True, exist_ok=True)  # noqa: S108  the image's
        for word, rest in instructions(ROOT / "Dockerfile"):
            by_root = next(filter(None, (re.fullmatch(one, f"{word} {rest}") for one in NEEDS_ROOT)), None)
            if by_root and "folders" in by_root.groupdict():
                for folder in by_root["folders"].split():
                    self.real(folder).mkdir(parents=True)
            if by_root or word in SAYS_NOTHING:
                continue
            getattr(self, f"_{word.lower()}")(rest)

    def _env(self, rest: str) -> None:
        self.variables |= dict(pair.split("=", 1) for pair in shlex.split(rest))

    def _workdir(self, rest: str) -> None:
        self.workdir = rest
        self.real(rest).mkdir(parents=True, exist_ok=True)

    def _copy(self, rest: str) -> None:
        if rest.startswith("--from=build "):
            source, target = rest.removeprefix("--from=build ").split()
            assert source == target == "/opt/venv", "the one thing taken from the first stage"
            make_environment(self.real(target))
            return
        *sources, target = rest.split()
        assert len(sources) == 1, rest
        _copy_in(sources[0], self.real(self.workdir) / target)

    def _run(self, rest: str) -> None:
        assert re.fullmatch(RUNS, rest), f"not run by a test, and not among what needs root: RUN {rest}"
        done = subprocess.run(
            ["sh", "-c", rest],
            cwd=self.real(self.workdir),
            env=self.environment | moved_clock(),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        self.said += done.stdout + done.stderr
        assert done.returncode == 0, self.said

    def _cmd(self, rest: str) -> None:
        self.command = tuple(YAML(typ="safe").load(rest))


def _copy_in(source: str, target: Path) -> None:
    """What COPY takes from the context: a file or a folder's content, as far as .dockerignore lets it in."""
    patterns = [line.strip() for line in (ROOT / ".dockerignore").read_text().splitlines() if line.strip()]
    where = ROOT / source
    files = [where] if where.is_file() else [path for path in where.rglob("*") if path.is_file()]
    taken = [path for path in files if let_in(str(path.relative_to(ROOT)), patterns)]
    assert taken, f"COPY failed: {source} is not in the context"
    for path in taken:
        to = target / path.relative_to(where) if where.is_dir() else target / path.name
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, to)


def make_environment(folder: Path) -> None:
    """Make an environment of what requirements.txt locks, in its versions, and of nothing else.

    The files come from the environment that runs the tests, so that no registry is asked.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    site = folder / SITE
    for name in _locked():
        found = distribution(name)
        for entry in found.files or ():
            source = Path(str(found.locate_file(entry))).resolve()
            if ".." not in entry.parts and source.is_file() and "__pycache__" not in entry.parts:
                _place(source, site / entry)
                # pip compiles what it installs; where nobody did, each process of the test does it again
                compiled = Path(cache_from_source(str(source)))
                if source.suffix == ".py" and compiled.exists():
                    _place(compiled, Path(cache_from_source(str(site / entry))))
        _programs(found, folder / "bin")


def _place(source: Path, target: Path) -> None:
    """Let a file be in another place too, without a copy where that can be."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _locked() -> Iterator[str]:
    from packaging.markers import Marker

    for name, version, marker in DEPENDENCY.findall((ROOT / "requirements.txt").read_text()):
        if marker and not Marker(marker).evaluate():
            continue
        assert distribution(name).version == version, f"{name}: run `make install`"
        yield name


def _programs(found: Distribution, folder: Path) -> None:
    for entry in found.entry_points.select(group="console_scripts"):
        program = folder / entry.name
        module, _, function = entry.value.partition(":")
        program.write_text(
            f"#!{folder}/python\nimport sys\nfrom {module} import {function}\nsys.exit({function}())\n"
        )
        program.chmod(0o755)


@dataclass(frozen=True)
class Compose:
    """docker-compose.yml with the values of an .env."""

    values: Mapping[str, str]

    def services(self) -> dict[str, Any]:
        """Its services, with the values of .env filled in as Compose fills them in; read once."""
        return self._read

    @cached_property
    def _read(self) -> dict[str, Any]:
        text = (ROOT / "docker-compose.yml").read_text()
        services: dict[str, Any] = self._filled(YAML(typ="safe").load(text)["services"])
        return services

    def environment(self, service: str) -> dict[str, str]:
        """What a service of ours finds: .env, and what stands at the service goes before it."""
        found = self.services()[service]
        assert found["env_file"] == ".env"
        return {**self.values, **{name: str(value) for name, value in found["environment"].items()}}

    def _filled(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._filled(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self._filled(one) for one in value]
        return (
            re.sub(r"\$\{(\w+)(?::([-?])([^}]*))?\}", self._variable, value)
            if isinstance(value, str)
            else value
        )

    def _variable(self, found: re.Match[str]) -> str:
        name, kind, default = found.groups()
        value = self.values.get(name, "")
        if kind == "?" and not value:
            raise ValueError(f"{name}: {default}")
        return value or (default if kind == "-" else "") or ""
