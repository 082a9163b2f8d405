"""The first rows of a query, in the place of a table: of these alone a further query asks."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model, QuerySet
from django.db.models.sql.compiler import SQLCompiler
from django.db.models.sql.datastructures import BaseTable

M = TypeVar("M", bound=Model)


def asked_of(first: QuerySet[M], further: QuerySet[M, Any]) -> QuerySet[M, Any]:
    """Ask the rows of `first`, a query that ends after so many, what `further` asks of their table.

    A planner that knows all conditions at once may take their rows for few, look up all and put them in
    order; of the few conditions that an index has it knows that it need only walk along it.
    """
    found = further.all()
    alias = found.query.get_initial_alias()
    found.query.alias_map[alias] = _FirstRows(found.model._meta.db_table, alias, first)  # noqa: SLF001
    return found


class _FirstRows(BaseTable):
    """A query under the name of the table whose rows it reads."""

    def __init__(self, table_name: str, alias: str | None, first: QuerySet[Any]) -> None:
        super().__init__(table_name, alias)
        self.first = first

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        """Put the query in brackets."""
        sql, params = self.first.query.get_compiler(connection=connection).as_sql()
        return f"({sql}) {compiler.quote_name_unless_alias(self.table_alias or self.table_name)}", params
