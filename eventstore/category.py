"""A stream's category as the database computes it: the part of the stream id before its first hyphen."""

from typing import Any

from django.db import models


class CategoryOf(models.Func):
    """The category of a stream id, on PostgreSQL and on SQLite."""

    output_field = models.CharField(max_length=100)
    template = "split_part(%(expressions)s, '-', 1)"
    arity = 1

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:  # noqa: ARG002 - Django's own hook
        """SQLite has no split_part; without a hyphen the whole id is the category."""
        column, params = compiler.compile(self.source_expressions[0])
        return f"substr({column}, 1, instr({column} || '-', '-') - 1)", (*params, *params)
