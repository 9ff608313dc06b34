"""Read-only pages of the admin, with exact filters and bounded counts.

# Note [Pages of a long log]
The cost of these pages does not grow with the log. Positions have no holes, so the head is the length of the unfiltered
list, and a page of it is a range of positions. A filtered list is read along an index and counted only up to a limit.
Filters and searches compare whole values, because the indexes support nothing else.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.core.paginator import Page, Paginator
from django.db.models import Max, Model, Q, QuerySet
from django.db.models.expressions import Combinable
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import cached_property

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    RowPage = Page[Any]
    RowPaginator = Paginator[Any]
else:
    ModelAdmin = admin.ModelAdmin
    RowPage = Page
    RowPaginator = Paginator

COUNT_LIMIT = 10_000
"""How many rows of a filtered list are counted, and so how many its pages show."""


class CappedPaginator(RowPaginator):
    """Counts up to COUNT_LIMIT rows and no further. See Note [Pages of a long log]."""

    object_list: QuerySet[Any]

    @cached_property
    def found(self) -> int:
        """The number of rows, counted up to COUNT_LIMIT + 1."""
        return self.object_list[: COUNT_LIMIT + 1].count()

    @property
    def count(self) -> int:
        """The number of rows, at most COUNT_LIMIT."""
        return min(self.found, COUNT_LIMIT)

    @property
    def capped(self) -> bool:
        """Whether there are more rows than are counted."""
        return self.found > COUNT_LIMIT


class HeadPaginator(RowPaginator):
    """Pages a whole log, newest first, by ranges of positions. See Note [Pages of a long log]."""

    object_list: QuerySet[Any]
    capped = False

    @cached_property
    def head(self) -> int:
        """The position of the newest row, 0 if there is none."""
        head = self.object_list.order_by().aggregate(head=Max("position"))["head"]
        return int(head or 0)

    @property
    def count(self) -> int:
        """The number of rows, which is the position of the newest one."""
        return self.head

    def page(self, number: int | str) -> RowPage:
        """Return the rows of one page, found by their positions."""
        number = self.validate_number(number)
        newest = self.head - (number - 1) * self.per_page
        rows = self.object_list.filter(position__lte=newest, position__gt=newest - self.per_page)
        return Page(rows, number, self)


class FieldFilter(admin.SimpleListFilter):
    """Compares one field with a value that is typed in or chosen; a value that the field cannot have finds nothing."""

    field: ClassVar[str]
    hint: ClassVar[str] = ""
    offered: ClassVar[Callable[[], Sequence[str]] | None] = None

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        """Return the values to choose from; an empty list if the value is typed in."""
        offered = type(self).offered
        return [(value, value) for value in offered()] if offered else []

    def has_output(self) -> bool:
        """Show the filter even though it offers no values."""
        return True

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows with that value."""
        text = (self.value() or "").strip()
        if not text:
            return queryset
        value = parsed(queryset.model, self.field.partition("__")[0], text)
        return queryset.none() if value is None else queryset.filter(**{self.field: value})


def exact(
    field: str, title: str, *, hint: str = "", offered: Callable[[], Sequence[str]] | None = None
) -> type[FieldFilter]:
    """Make the filter of a field (or of a lookup, such as `position__lte`)."""
    members = {"field": field, "parameter_name": field, "title": title, "hint": hint}
    members["offered"] = staticmethod(offered) if offered else None  # type: ignore[assignment] # None is no function
    return type(f"{field.title().replace('_', '')}Filter", (FieldFilter,), members)


def parsed(model: type[Model], field: str, text: str) -> Any:
    """Return the text as a value of the field, or None if the field cannot have this value."""
    if "\x00" in text:
        return None
    try:
        return model._meta.get_field(field).to_python(text)  # type: ignore[union-attr]  # noqa: SLF001 - Django's own name
    except ValidationError:
        return None


def found_by_any(queryset: QuerySet[Any], conditions: Sequence[Q]) -> QuerySet[Any]:
    """Return the rows that meet any of the conditions, each of which has an index.

    An OR over several indexes can make the database scan the table. So conditions that no row meets are dropped first,
    each by one lookup in its index.
    """
    met = [condition for condition in conditions if queryset.order_by().filter(condition).exists()]
    if len(met) <= 1:
        return queryset.filter(met[0]) if met else queryset.none()
    keys = [queryset.order_by().filter(condition).values("pk") for condition in met]
    return queryset.filter(pk__in=keys[0].union(*keys[1:], all=True))


def as_text(value: date | None) -> str:
    """Return a date, or a moment to the second, as ISO 8601 writes it."""
    if value is None:
        return "–"
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else value.isoformat()


class ReadOnlyList(ChangeList):
    """A list that always has the order of its model admin, because no other order has an index."""

    def get_ordering(self, request: HttpRequest, _queryset: QuerySet[Any]) -> list[str | Combinable]:
        """Return the model admin's order."""
        return list(self.model_admin.get_ordering(request))

    def get_ordering_field_columns(self) -> dict[int, Literal["desc", "asc"]]:
        """Return no columns: the order cannot be changed."""
        return {}

    def filters(self) -> Iterator[dict[str, Any]]:
        """Yield the parts of the filter form: name, title, value, hint and the values to choose from."""
        for spec in self.filter_specs:
            options = [value for value, _ in spec.lookup_choices]  # type: ignore[attr-defined] # of Django's subclasses only
            yield {
                "name": spec.parameter_name,  # type: ignore[attr-defined]
                "title": spec.title,
                "value": spec.value() or "",  # type: ignore[attr-defined]
                "hint": getattr(spec, "hint", ""),
                "options": options,
            }

    def capped(self) -> bool:
        """Say whether the list has more rows than were counted."""
        return bool(getattr(self.paginator, "capped", False))

    def continuation(self) -> str:
        """Return the address of the rows below the last one shown, or nothing if the list has no filter by position."""
        rows = list(self.result_list)
        if not rows or not any(name["name"] == "position__lte" for name in self.filters()):
            return ""
        return str(self.get_query_string({"position__lte": rows[-1].position - 1}, ["p"]))


class ReadOnlyAdmin(ModelAdmin):
    """Lists and shows rows; nothing can be added, changed or deleted, one by one or in bulk."""

    actions = None
    change_list_template = "eventstore/admin/change_list.html"
    change_form_template = "eventstore/admin/change_form.html"
    list_per_page = 100
    list_max_show_all = 0
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
    paginator = CappedPaginator

    class Media:
        """The stylesheet of these pages."""

        css: ClassVar = {"all": ("eventstore/admin.css",)}

    def has_add_permission(self, _request: HttpRequest) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Refuse."""
        return False

    def lookup_allowed(self, lookup: str, _value: str, request: HttpRequest) -> bool:
        """Allow only the lookups of the filters: any other could read the whole table."""
        return lookup in {getattr(each, "parameter_name", None) for each in self.get_list_filter(request)}

    def missing(self, object_id: str) -> str:
        """Return what a page says of a row that is not there."""
        return f"There is no {self.opts.verbose_name} {object_id}."

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, _opts: Any, object_id: str) -> HttpResponse:
        """Say what is not there; Django asks whether it was deleted, and here nothing is."""
        self.message_user(request, self.missing(unquote(object_id)), messages.WARNING)
        return HttpResponseRedirect(reverse("admin:index"))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:  # noqa: ARG002 - Django's hook
        """Return the list whose order has an index."""
        return ReadOnlyList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Answer reads; refuse every other method."""
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        title = self.opts.verbose_name_plural
        return super().changelist_view(request, {"title": str(title).capitalize(), **(extra_context or {})})
