"""API clients and their tokens in the admin: to look at and to delete, without anything that is secret.

Rows of the log and of read models lead to the pages of Books that explain them.

django-oauth-toolkit registers five models. Its grants are codes of a flow that Daybook does not use, and not grants of
the ledger; refresh tokens and id tokens do not exist here either.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse, reverse_lazy
from oauth2_provider.models import (
    get_access_token_model,
    get_application_model,
    get_grant_model,
    get_id_token_model,
    get_refresh_token_model,
)

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Model]
else:
    _Admin = admin.ModelAdmin


class _DeletableOnly(_Admin):
    """Shows `fields` and allows deletion. `manage.py create_api_client` makes clients, POST /o/token/ their tokens."""

    def has_add_permission(self, _request: HttpRequest, *_args: Any) -> bool:
        """Refuse it."""
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        """Refuse it."""
        return False


class ClientAdmin(_DeletableOnly):
    """An API client; its secret is stored only as a hash, which is not shown."""

    fields = list_display = ("name", "client_id", "user", "created")
    search_fields = ("name", "client_id")


class TokenAdmin(_DeletableOnly):
    """A bearer token; it is stored only as a hash, which is not shown. Deleting it revokes it."""

    fields = list_display = ("id", "application", "user", "created", "expires", "scope")
    list_select_related = ("application", "user")
    search_fields = ("application__name", "application__client_id")


admin.site.unregister(
    [
        get_access_token_model(),
        get_application_model(),
        get_grant_model(),
        get_id_token_model(),
        get_refresh_token_model(),
    ]
)
admin.site.register(get_application_model(), ClientAdmin)
admin.site.register(get_access_token_model(), TokenAdmin)

_PAGES: Final[dict[str, Callable[[Any], str]]] = {
    "eventstore.Event": lambda event: reverse("books:event", args=[event.position]),
    "eventstore.Checkpoint": lambda consumer: reverse("books:consumer", args=[consumer.name]),
    "projectors.Company": lambda row: reverse("books:customer", args=[row.company_uuid]),
    "projectors.CustomerSum": lambda row: reverse("books:customer", args=[row.company_uuid]),
    "projectors.Balance": lambda row: reverse("books:balance", args=[row.entity, row.uuid]),
    "projectors.FinancialProduct": lambda row: reverse("books:invoice", args=[row.product_uuid]),
    "projectors.OwedProduct": lambda row: reverse("books:invoice", args=[row.product_uuid]),
    "projectors.JournalLine": lambda row: reverse("books:event", args=[row.position]),
}
"""By table: the page of Books that explains a row."""

admin.site.site_url = reverse_lazy("books:today")  # type: ignore[assignment] # it is made a text when it is shown
for _table, _page in _PAGES.items():
    admin.site.get_model_admin(apps.get_model(_table)).view_on_site = _page
