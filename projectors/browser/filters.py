"""Filters of the admin's pages of read models."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest


class NotZeroFilter(admin.SimpleListFilter):
    """Leaves out balances of zero."""

    title = "Balance"
    parameter_name = "shown"
    not_zero = "not zero"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        """Return the one choice."""
        return [(self.not_zero, self.not_zero)]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the balances that are not zero."""
        return queryset.exclude(balance=0) if self.value() == self.not_zero else queryset
