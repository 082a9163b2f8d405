"""Names that the API has served are a contract, like those of the trail (`outside-names.txt`).

A serializer's field is the name outside; its `source`, or the line of the document's function, says where it
is kept now. A column that is renamed changes that right side alone: a name that changes with it fails here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

GOLDEN = Path("tests/golden/api-names.txt")
REFUSALS = {"Refusal", "ValidationError", "PermissionDenied", "ErrorDetail", "serializers.ValidationError"}


@pytest.mark.django_db
def test_no_name_of_the_api_leaves_or_comes_unseen() -> None:
    schema = Client().get("/api/v1/schema/", headers={"accept": "application/vnd.oai.openapi+json"}).json()
    names = sorted({*_of_schema(schema), *_of_refusals()})
    had = GOLDEN.read_text(encoding="utf-8").splitlines()
    assert [name for name in had if name not in names] == [], "served before: keep it, and change its source"
    assert [name for name in names if name not in had] == [], f"new: add these to {GOLDEN}"


def _of_schema(schema: Any) -> Iterator[str]:
    """Every parameter of every operation, every field of every body, every word that stands for a state."""
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}"
            for one in operation.get("parameters", []):
                yield f"{method.upper()} {path} ?{one['name']}"
                yield from _words(f"{method.upper()} {path} ?{one['name']}", one.get("schema", {}))
    for component, described in schema["components"]["schemas"].items():
        yield from _words(component, described)
        for field, content in described.get("properties", {}).items():
            yield f"{component}.{field}"
            yield from _words(f"{component}.{field}", content)


def _words(of: str, described: Any) -> Iterator[str]:
    for one in (described, described.get("items", {})):
        yield from (f"{of} = {word}" for word in one.get("enum", []) if word is not None)


def _of_refusals() -> Iterator[str]:
    """Every code by which a program can tell one refusal from another."""
    for app in ("trials", "participants", "schedules"):
        for path in Path(app).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                yield from (f"problem {code}" for code in _codes(node))


def _codes(node: ast.AST) -> list[str]:
    """The codes that a refusal is made with, or that a class of errors has."""
    given: list[ast.expr] = []
    if isinstance(node, ast.Call) and (name := ast.unparse(node.func)) in REFUSALS:
        given = [key.value for key in node.keywords if key.arg == "code"]
        given += node.args[3:4] if name == "Refusal" else []
    elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "default_code":
        given = [node.value]
    return [one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str)]
