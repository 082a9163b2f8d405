"""Faults drawn by a seed: one small change of the syntax tree of a module.

The operators are those that tests let slip most often: a bound that is in or out, a condition turned
round, `and` for `or`, a number one too large, an answer left out. Strings are left alone, since what is
said is read by people and by golden files.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator
from dataclasses import dataclass

OPPOSITES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
UNTOUCHED = (ast.JoinedStr, ast.arguments, ast.AnnAssign)


@dataclass(frozen=True, slots=True)
class Change:
    """One place of a source and what is put there: positions in bytes of UTF-8, as in `ast`."""

    line: int
    begin: int
    end: int
    old: str
    new: str

    def planted_in(self, source: bytes) -> bytes:
        """The source with the fault in it."""
        return source[: self.begin] + self.new.encode() + source[self.end :]


def changes_in(source: bytes) -> list[Change]:
    """Every fault that can be planted in a module, in the order of its lines."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = []
    for node, new in _mutations(ast.parse(source)):
        begin = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        found.append(Change(node.lineno, begin, end, source[begin:end].decode(), f"({new})"))
    return sorted(found, key=lambda change: (change.begin, change.end, change.new))


def drawn_from(module: str, source: bytes, wanted: int, seed: int) -> list[Change]:
    """Some faults of a module, the same ones for the same seed."""
    changes = changes_in(source)
    return random.Random(f"{seed} {module}").sample(changes, min(wanted, len(changes)))


def _mutations(node: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    decorators = getattr(node, "decorator_list", [])
    for child in ast.iter_child_nodes(node):
        if child in decorators:  # frozen and slots guard against ourselves
            continue
        if isinstance(child, UNTOUCHED) or _is_for_types(child):
            continue
        if isinstance(child, ast.expr):
            yield from ((child, ast.unparse(new)) for new in _changed(child))
        if isinstance(child, ast.If | ast.IfExp):
            yield child.test, f"not ({ast.unparse(child.test)})"
        if isinstance(child, ast.Return) and child.value and not isinstance(child.value, ast.Constant):
            yield child.value, "None"
        yield from _mutations(child)


def _changed(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.Compare(ops=[op], left=left, comparators=others) if type(op) in OPPOSITES:
            yield ast.Compare(left, [OPPOSITES[type(op)]()], others)
        case ast.BoolOp(op=op, values=values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            yield ast.BinOp(left, ast.Sub(), right)
        case ast.BinOp(op=ast.Sub(), left=left, right=right):
            yield ast.BinOp(left, ast.Add(), right)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() as value):
            yield ast.Constant(value + 1)


def _is_for_types(node: ast.AST) -> bool:
    match node:
        case ast.If(test=ast.Name(id="TYPE_CHECKING")) | ast.Import() | ast.ImportFrom():
            return True
        case ast.FunctionDef(name="__str__" | "__repr__"):
            return True
        case ast.ClassDef(bases=[*_, ast.Name(id="Protocol")]):
            return True
    return False
