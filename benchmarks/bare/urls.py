"""The project's addresses, and bare views that ask for the same kind of token."""

from decimal import Decimal
from uuid import UUID

from django.http import HttpRequest
from django.urls import path
from ninja import NinjaAPI, Schema

from benchmarks.bare import grants
from benchmarks.bare.models import Row
from settings.urls import urlpatterns as of_the_project
from web.protocol.authentication import actor, authenticators

bare = NinjaAPI(title="Bare", urls_namespace="bare", auth=authenticators())


class RowSchema(Schema):
    """A row, as it is sent and answered."""

    uuid: UUID
    name: str
    amount: Decimal


@bare.post("/rows", response={201: RowSchema})
def insert(request: HttpRequest, row: RowSchema) -> tuple[int, Row]:
    """Insert one row."""
    return 201, Row.objects.create(uuid=row.uuid, name=row.name, amount=row.amount, actor=actor(request))


@bare.get("/rows/{uuid}", response=RowSchema)
def read(request: HttpRequest, uuid: UUID) -> Row:  # noqa: ARG001 - ninja's own
    """Read one row."""
    return Row.objects.get(uuid=uuid)


grants.add_to(bare)
urlpatterns = [path("bare/", bare.urls), *of_the_project]
