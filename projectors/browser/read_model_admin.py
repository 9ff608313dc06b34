"""The base of the admin's pages of read models: live rows, readable columns, search by uuid."""

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.db.models.expressions import Combinable
from django.http import HttpRequest
from django.utils.safestring import SafeString

from eventstore.browser.events import event_link
from eventstore.browser.read_only import ReadOnlyAdmin, found_by_any
from projectors.browser.columns import Column, dated, money, stream
from projectors.queries.live import live


def as_uuid(term: str) -> uuid.UUID | None:
    """Return the uuid that a search term is, or None."""
    try:
        return uuid.UUID(term)
    except ValueError:
        return None


class ReadModelAdmin(ReadOnlyAdmin):
    """Rows of the generation that answers queries. See Note [Generations] and Note [Pages of a long log].

    `listed` names fields and methods; `moneys` are fields in minor units, `streams` are uuids with their
    category, `hidden` are fields that serve queries alone.
    """

    order: ClassVar[tuple[str | Combinable, ...]]
    listed: ClassVar[tuple[str, ...]]
    moneys: ClassVar[tuple[str, ...]] = ()
    streams: ClassVar[Mapping[str, str]] = {}
    replaced: ClassVar[Mapping[str, str]] = {}
    sought: ClassVar[tuple[str, ...]] = ()
    hide_zero: ClassVar[bool] = False
    hidden: ClassVar[frozenset[str]] = frozenset()

    def missing(self, object_id: str) -> str:
        """Return what a page says of a row that is not there, as after a rebuild, which numbers all rows anew."""
        return f"{super().missing(object_id)} A rebuild numbers the rows anew: find it in the list."

    @admin.display(description="last changed by event")
    def changed_by(self, row: Any) -> SafeString | str:
        """Return a link to the event at which the row was last changed."""
        return event_link(row.position)

    def get_queryset(self, _request: HttpRequest) -> QuerySet[Any]:
        """Return the rows that answer queries."""
        return live(self.model).order_by(*self.order)

    def get_ordering(self, _request: HttpRequest) -> tuple[str | Combinable, ...]:
        """Return an order that has an index."""
        return self.order

    def get_list_display(self, _request: HttpRequest) -> list[str | Column]:
        """Return the listed columns; the first is plain, because it is the link to the row's own page."""
        linked = self.list_display_links is None
        return [self._column(name, in_list=True) if linked or index else name for index, name in enumerate(self.listed)]

    def get_fields(self, _request: HttpRequest, _obj: Any = None) -> list[str | Column]:  # type: ignore[override] # a column is more than a name
        """Return every field as a readable column."""
        hidden = {"id", "generation", "position", "minor_digits", *self.hidden, *["currency"] * bool(self.moneys)}
        names = [field.name for field in self.model._meta.concrete_fields if field.name not in hidden]  # noqa: SLF001 - Django's own name
        return [*(self._column(self.replaced.get(name, name)) for name in names), "changed_by"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str | Column]:  # type: ignore[override]
        """Return every field."""
        return self.get_fields(request, obj)

    def _column(self, name: str, *, in_list: bool = False) -> str | Column:
        if name in self.moneys:
            return money(name, hide_zero=self.hide_zero)
        if name in self.streams:
            return stream(name, self.streams[name], in_short=in_list)
        return dated(name) if name.endswith("_date") else name

    def get_search_results(
        self, _request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the rows that match a search term: a uuid, or what `found_by_text` understands."""
        term = search_term.strip()
        if not term:
            return queryset, False
        entity = as_uuid(term)
        if entity is None:
            return (queryset.none() if "\x00" in term else self.found_by_text(queryset, term)), False
        return found_by_any(queryset, self.conditions(entity)), False

    def conditions(self, entity: uuid.UUID) -> list[Q]:
        """Return the conditions under which a row matches a uuid; each has an index."""
        return [Q(**{field: entity}) for field in self.sought]

    def found_by_text(self, queryset: QuerySet[Any], _term: str) -> QuerySet[Any]:
        """Return the rows that match a term which is not a uuid: none, unless a page overrides this."""
        return queryset.none()
