"""grant_balances takes the plain values of a request or a script."""

from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from eventstore import store
from eventstore.records import Appended, IdempotencyKey
from ledger import states
from ledger.grant import grant_balances
from ledger.rules.refusals.balances import InsufficientFunds
from ledger.rules.refusals.base import Refusal
from ledger.rules.refusals.existence import UnknownProduct
from ledger.rules.refusals.fields import InvalidAmount, UnknownFromType
from ledger.rules.refusals.inputs import InvalidInput
from tests.support.ledger.portfolio import new_account, new_asset, new_company, new_product

pytestmark = pytest.mark.usefixtures("database")


class Given:
    """A company and an asset to draw on, and an account to pay to."""

    def __init__(self) -> None:
        self.company, self.asset = new_company("30.00"), new_asset(balance="20.00")
        self.owner = new_company()
        self.account = new_account(self.owner)

    def sources(self) -> list[dict[str, Any]]:
        return [
            {"from_type": "asset", "from_uuid": str(self.asset)},
            {"from_type": "company", "from_uuid": str(self.company)},
        ]

    def destination(self, amount: object = "25.00", **more: Any) -> dict[str, Any]:
        given = {"to_company_uuid": str(self.owner), "to_company_account_uuid": str(self.account), "amount": amount}
        return given | more

    def grant(self, *destinations: dict[str, Any], **more: Any) -> Appended:
        return grant_balances("REF-1", self.sources(), destinations, actor="tester", **more)


def written(appended: Appended) -> list[tuple[str, str, str | None]]:
    return [(event.stream_id, event.type, event.payload.get("amount")) for event in appended.events]


def test_sources_are_drawn_in_order_each_to_its_balance_and_each_destination_is_credited_once() -> None:
    given, grant = Given(), uuid4()
    product = new_product(company_uuid=given.owner)
    appended = given.grant(
        given.destination("5.50"), given.destination("19.50", product_uuid=str(product)), grant_uuid=grant
    )
    assert written(appended) == [
        (f"grant-{grant}", "BalancesGranted", None),
        (f"asset-{given.asset}", "FundsDebited", "20.00"),
        (f"company-{given.company}", "FundsDebited", "5.00"),
        (f"account-{given.account}", "FundsCredited", "5.50"),
        (f"account-{given.account}", "FundsCredited", "19.50"),
    ]
    granted = appended.events[0].payload
    assert (granted["total"], granted["currency"], granted["reference"]) == ("25.00", "USD", "REF-1")
    assert [source["amount"] for source in granted["sources"]] == ["20.00", "5.00"]
    assert [paid["product_uuid"] for paid in granted["destinations"]] == [None, str(product)]
    assert states.account(given.account).state.balance == Decimal("25.00")
    assert states.grant(grant).state.total == Decimal("25.00")


def test_a_source_that_is_not_needed_is_not_drawn_on() -> None:
    given = Given()
    appended = given.grant(given.destination("20.00"))
    assert [source["from_type"] for source in appended.events[0].payload["sources"]] == ["asset"]
    assert states.company(given.company).state.balance == Decimal("30.00")


def test_granting_more_than_is_available_is_refused_with_both_figures_and_records_nothing() -> None:
    given = Given()
    before = store.head()
    with pytest.raises(InsufficientFunds, match=r"50\.01 USD requested, 50\.00 USD available"):
        given.grant(given.destination("50.01"))
    assert store.head() == before


def test_a_grant_without_a_uuid_gets_a_new_one() -> None:
    given = Given()
    assert given.grant(given.destination("1")).events[0].uuid != given.grant(given.destination("1")).events[0].uuid


def test_a_repeated_key_grants_once() -> None:
    given, key = Given(), IdempotencyKey("tester", "key", "body")
    first, again = (given.grant(given.destination("50.00"), key=key) for _ in range(2))
    assert again.repeated
    assert again.position == first.position


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"amount": None}, None),
        ({"amount": 25.0}, None),
        ({"amount": "1e3"}, None),
        ({"amount": "0.00"}, None),
        ({"to_company_uuid": "Acme"}, "/destinations/0/to_company_uuid"),
        ({"product_uuid": 7}, "/destinations/0/product_uuid"),
        ({"currency": "USD"}, "/destinations/0/currency"),
    ],
)
@pytest.mark.one_database
def test_a_destination_with_a_wrong_field_is_refused(change: dict[str, Any], pointer: str | None) -> None:
    given = Given()
    with pytest.raises(Refusal) as refused:
        given.grant(given.destination() | change)
    if pointer is None:
        assert isinstance(refused.value, InvalidAmount)
    else:
        assert isinstance(refused.value, InvalidInput)
        assert refused.value.pointer == pointer


@pytest.mark.parametrize("missing", ["to_company_uuid", "to_company_account_uuid", "amount"])
@pytest.mark.one_database
def test_a_destination_without_a_required_field_is_refused(missing: str) -> None:
    given = Given()
    destination = given.destination()
    del destination[missing]
    with pytest.raises(InvalidInput, match=f"/destinations/0/{missing}: is required"):
        given.grant(destination)


@pytest.mark.one_database
def test_the_amount_of_a_source_cannot_be_sent() -> None:
    given = Given()
    sources = [given.sources()[0] | {"amount": "20.00"}]
    with pytest.raises(InvalidInput, match="/sources/0/amount: unknown field"):
        grant_balances("REF", sources, [given.destination()], actor="tester")


@pytest.mark.one_database
def test_an_unknown_from_type_is_refused_by_name() -> None:
    given = Given()
    sources = [{"from_type": "bank", "from_uuid": str(given.company)}]
    with pytest.raises(UnknownFromType, match="bank"):
        grant_balances("REF", sources, [given.destination()], actor="tester")


def test_a_product_that_is_named_must_exist() -> None:
    given = Given()
    with pytest.raises(UnknownProduct):
        given.grant(given.destination(product_uuid=UUID(int=1)))
