"""Every answer to a query is what the OpenAPI document says that it is."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from jsonschema import Draft202012Validator
from pytest_django.fixtures import Settings

from eventstore import store
from eventstore.clock import utc_now
from projectors.explain.answers.subject import CATEGORIES
from relays.models import Delivery, Endpoint
from tests.support.api.calling import Api
from web.api.application import api as the_api
from web.api.entities import ENTITIES


def asked() -> Iterator[tuple[str, str]]:
    """Yield the path of each query in the document, and one to ask for."""
    for category, shown in ENTITIES.items():
        uuids = {event.uuid for event in store.read_all(category=category)}
        for uuid in uuids:
            yield f"/api/{shown.plural}/{{uuid}}", f"/api/{shown.plural}/{uuid}"
            for as_of in (store.head().position - 5, "2024-02-22"):
                yield f"/api/{shown.plural}/{{uuid}}", f"/api/{shown.plural}/{uuid}?as_of={as_of}"
            if category in CATEGORIES:
                for asked_as in ("", "?as_of=2024-02-22&known=then&order=recorded"):
                    yield (
                        f"/api/{shown.plural}/{{uuid}}/explanation",
                        f"/api/{shown.plural}/{uuid}/explanation{asked_as}",
                    )
            if category == "company":
                yield "/api/companies/{uuid}/membership", f"/api/companies/{uuid}/membership"
    for name in (
        "companies",
        "deals",
        "accounts",
        "balances",
        "products",
        "journal",
        "aging",
        "customers",
        "daily-activity",
    ):
        yield f"/api/{name}", f"/api/{name}?limit=1000"
        yield f"/api/{name}", f"/api/{name}?limit=1"
    yield "/api/trial-balance", "/api/trial-balance?as_of=50"
    explanation = "/api/trial-balance/{account}/{currency}/explanation"
    yield explanation, "/api/trial-balance/principal_receivable/USD/explanation"
    yield explanation, "/api/trial-balance/fees_receivable/USD/explanation?as_of=2024-02-22&known=then&from=2024-02-21"
    yield explanation, "/api/trial-balance/nothing/USD/explanation"
    for path in ("/api/business-date", "/api/consumers"):
        yield path, path
    yield "/api/events", "/api/events?limit=1000"
    yield "/api/events/{position}", "/api/events/3"


@pytest.fixture
def endpoint(settings: Settings) -> Endpoint:
    """Return an endpoint of webhooks to which one event was sent."""
    settings.WEBHOOKS = True
    now = utc_now()
    made = Endpoint.objects.create(
        uuid=uuid4(),
        url="https://example.org/",
        secret="-",
        position=3,
        created_at=now,
        created_by="-",
        next_try_at=now,
    )
    Delivery.objects.create(endpoint=made, position=3, type="SystemCycled", state="delivered", last_attempt_at=now)
    return made


def test_each_is_as_described(reader: Api, endpoint: Endpoint) -> None:
    document = the_api.get_openapi_schema()
    seen = set()
    webhooks = (
        ("/api/webhooks", "/api/webhooks"),
        ("/api/webhooks/{webhook_uuid}/deliveries", f"/api/webhooks/{endpoint.uuid}/deliveries"),
    )
    for path, address in (*asked(), *webhooks):
        response = reader.get(address)
        described = document["paths"][path]["get"]["responses"][response.status_code]
        [content] = described["content"].values()
        validator(document, content["schema"]).validate(response.json())
        if response.status_code == 200:
            seen.add(path)
    queries = {path for path, item in document["paths"].items() if "get" in item} - {"/api/events/stream"}
    assert {path for path in queries if not path.startswith("/api/problems")} == seen


def closed(schema: Any) -> Any:
    """Return a schema that forbids what it does not name: later releases may answer more, but not this one."""
    match schema:
        case {"properties": dict(), "type": "object"} if "additionalProperties" not in schema:
            return {name: closed(member) for name, member in schema.items()} | {"additionalProperties": False}
        case dict():
            return {name: closed(member) for name, member in schema.items()}
        case list():
            return [closed(item) for item in schema]
        case _:
            return schema


_validators: dict[str, Any] = {}


def validator(document: Any, schema: Any) -> Any:
    known = _validators.get(str(schema))
    if known is None:
        known = Draft202012Validator({**schema, "components": closed(document["components"])})
        _validators[str(schema)] = known
    return known


def test_no_amount_is_a_number_and_each_has_its_currencys_digits(reader: Api) -> None:
    for balance in reader.get("/api/balances?limit=1000").json()["items"]:
        digits = {"USD": 2, "JPY": 0, "KWD": 3, None: 0}[balance["currency"]]
        assert len(balance["balance"].partition(".")[2]) == digits
    for line in reader.get("/api/journal?limit=1000").json()["items"]:
        digits = {"USD": 2, "JPY": 0, "KWD": 3}[line["currency"]]
        assert {len(line[side].partition(".")[2]) for side in ("debit", "credit")} == {digits}


@pytest.mark.one_database
@pytest.mark.parametrize("path", ["/api/companies/{uuid}", "/api/companies", "/api/events", "/api/aging"])
def test_no_parameter_can_be_null(path: str) -> None:
    document = the_api.get_openapi_schema()
    for parameter in document["paths"][path]["get"]["parameters"]:
        assert "null" not in str(parameter["schema"])
        assert parameter["schema"].get("default", 0) is not None
