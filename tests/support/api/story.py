"""A sequence of requests with fixed ids and answers: the examples of the OpenAPI document."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from django.test import override_settings

from eventstore import store
from eventstore.consumers.loop import catch_up
from ledger import daily_cycle
from ledger.names import OPERATE
from tests.support.api.calling import Api, new_token

SELLER: Final = "5e11e700-0000-4000-8000-000000000001"
DEBTOR: Final = "deb70700-0000-4000-8000-000000000002"
ACCOUNT: Final = "acc00000-0000-4000-8000-000000000003"
SECOND_ACCOUNT: Final = "acc00000-0000-4000-8000-000000000004"
ASSET: Final = "a55e7000-0000-4000-8000-000000000005"
DEAL: Final = "dea10000-0000-4000-8000-000000000006"
MEMBERSHIP: Final = "dea10000-0000-4000-8000-000000000009"
PRODUCT: Final = "bade0000-0000-4000-8000-000000000007"
THIRD: Final = "5e11e700-0000-4000-8000-00000000000a"
UNKNOWN: Final = "5e11e700-0000-4000-8000-00000000000b"
WEBHOOK: Final = "0e600000-0000-4000-8000-00000000000c"
GRANT: Final = "fee00000-0000-4000-8000-000000000008"
MOMENT: Final = "2026-03-03T09:30:00.123456+00:00"
_MOMENT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]+)?(\+00:00|Z)")
_SECRET: Final = re.compile(r"whsec_[A-Za-z0-9+/=]+")
SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
_RATE: Final = re.compile(r'"rate": ([0-9.]+|null)')
_REQUEST: Final = {"X-Request-ID": "invoice-4711"}


@dataclass(frozen=True, slots=True)
class Command:
    """A command; its body may contain LAST or FEE."""

    name: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """Commands in one request, by the name of the operation."""

    name: str
    commands: list[Command]


@dataclass(frozen=True, slots=True)
class Query:
    """A query, by its operation id."""

    name: str
    path: str
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Day:
    """A business date begins, its late fees are assessed, and read models catch up."""

    of: date


@dataclass(frozen=True, slots=True)
class Operation:
    """What an operator sends, by the name of the operation."""

    name: str
    path: str
    body: dict[str, Any]
    parameters: dict[str, Any] = field(default_factory=dict)
    status: int = 200


LAST: Final = object()
"""Replaced by the position of the last recorded event."""
FEE: Final = object()
"""Replaced by the position of the last late fee."""

_COMPANIES: Final = [{"company_uuid": SELLER, "role": "seller"}, {"company_uuid": DEBTOR, "role": "debtor"}]

BEGINNING: Final[list[Command | Day]] = [
    Day(date(2026, 2, 27)),
    Command("register-company", {"company_uuid": SELLER, "name": "Baltic Timber"}),
    Command("rename-company", {"company_uuid": SELLER, "name": "Baltic Timber Ltd"}),
    Command("register-company", {"company_uuid": DEBTOR, "name": "Nordic Furniture"}),
    Command("fund-company", {"company_uuid": SELLER, "amount": "400.00", "currency": "USD", "reference": "wire 81"}),
    Command("open-funding-account", {"account_uuid": ACCOUNT, "company_uuid": SELLER, "label": "operating"}),
    Command("activate-funding-account", {"account_uuid": ACCOUNT}),
    Command(
        "register-asset",
        {
            "asset_uuid": ASSET,
            "value": "800.00",
            "currency": "USD",
            "sender_company_uuid": SELLER,
            "receiver_company_uuid": DEBTOR,
            "reference": "invoice 4711",
        },
    ),
    Command("revalue-asset", {"asset_uuid": ASSET, "value": "780.00"}),
    Command("fund-asset", {"asset_uuid": ASSET, "amount": "120.00", "reference": "wire 82"}),
    Command("create-deal", {"deal_uuid": DEAL, "product_line_id": 1, "companies": _COMPANIES[:1]}),
    Command("update-deal", {"deal_uuid": DEAL, "product_line_id": 1, "companies": _COMPANIES}),
    Command("activate-deal", {"deal_uuid": DEAL}),
    Command(
        "create-deal",
        {
            "deal_uuid": MEMBERSHIP,
            "product_line_id": 4,
            "companies": [{"company_uuid": SELLER, "role": "member"}],
            "rating_tier": "gold",
        },
    ),
    Command("activate-deal", {"deal_uuid": MEMBERSHIP}),
    Command(
        "originate-product",
        {
            "product_uuid": PRODUCT,
            "deal_uuid": DEAL,
            "asset_uuid": ASSET,
            "principal": "500.00",
            "due_date": "2026-03-01",
            "daily_late_fee_rate": "0.001",
            "late_fee_payer_role": "debtor",
            "reference": "invoice 4711",
        },
    ),
    Command(
        "grant-balances",
        {
            "grant_uuid": GRANT,
            "reference": "advance on invoice 4711",
            "sources": [{"from_type": "company", "from_uuid": SELLER}, {"from_type": "asset", "from_uuid": ASSET}],
            "destinations": [
                {
                    "to_company_uuid": SELLER,
                    "to_company_account_uuid": ACCOUNT,
                    "amount": "500.00",
                    "product_uuid": PRODUCT,
                }
            ],
        },
    ),
    Command("pay-out-funds", {"account_uuid": ACCOUNT, "amount": "450.00", "reference": "payout 7"}),
    Command("apply-payment", {"product_uuid": PRODUCT, "amount": "100.00", "reference": "wire 90"}),
    Day(date(2026, 3, 1)),
    Day(date(2026, 3, 2)),
    Day(date(2026, 3, 3)),
]

QUERIES: Final[list[Query | Operation]] = [
    Query("get-company", "/api/companies/{company_uuid}", {"company_uuid": SELLER}),
    Query("get-asset", "/api/assets/{asset_uuid}", {"asset_uuid": ASSET}),
    Query("get-account", "/api/accounts/{account_uuid}", {"account_uuid": ACCOUNT}),
    Query("get-deal", "/api/deals/{deal_uuid}", {"deal_uuid": DEAL}),
    Query("get-product", "/api/products/{product_uuid}", {"product_uuid": PRODUCT, "as_of": "2026-03-02"}),
    Query(
        "explain-product", "/api/products/{product_uuid}/explanation", {"product_uuid": PRODUCT, "as_of": "2026-03-02"}
    ),
    Query("explain-company", "/api/companies/{company_uuid}/explanation", {"company_uuid": SELLER}),
    Query("explain-asset", "/api/assets/{asset_uuid}/explanation", {"asset_uuid": ASSET}),
    Query("explain-account", "/api/accounts/{account_uuid}/explanation", {"account_uuid": ACCOUNT}),
    Query(
        "explain-trial-balance-line",
        "/api/trial-balance/{account}/{currency}/explanation",
        {"account": "principal_receivable", "currency": "USD"},
    ),
    Query("get-grant", "/api/grants/{grant_uuid}", {"grant_uuid": GRANT}),
    Query("get-membership", "/api/companies/{company_uuid}/membership", {"company_uuid": SELLER}),
    Query("get-business-date", "/api/business-date"),
    Query("list-events", "/api/events", {"category": "account", "limit": 2}),
    Query("get-event", "/api/events/{position}", {"position": 2}),
    Query("list-companies", "/api/companies", {"name": "baltic"}),
    Query("list-deals", "/api/deals", {"company_uuid": SELLER}),
    Query("list-accounts", "/api/accounts", {"company_uuid": SELLER}),
    Query("list-balances", "/api/balances", {"limit": 2}),
    Query("list-products", "/api/products", {"status": "open", "overdue_on": "2026-03-02"}),
    Query("list-journal", "/api/journal", {"account": "clearing_in", "limit": 2}),
    Query("trial-balance", "/api/trial-balance"),
    Query("aging", "/api/aging", {"business_date": "2026-03-03"}),
    Query("list-customers", "/api/customers", {"as_of": "2026-03-03"}),
    Query("daily-activity", "/api/daily-activity", {"from": "2026-03-01"}),
    Query("list-consumers", "/api/consumers"),
    Query("get-problem", "/api/problems/{slug}", {"slug": "insufficient-funds"}),
    Operation(
        "register-webhook",
        "/api/webhooks",
        {"uuid": WEBHOOK, "url": "https://127.0.0.1/daybook", "types": ["PaymentApplied"], "description": "accounting"},
        status=201,
    ),
    Query("list-webhooks", "/api/webhooks"),
    Query("list-webhook-deliveries", "/api/webhooks/{webhook_uuid}/deliveries", {"webhook_uuid": WEBHOOK}),
    Operation(
        "act-on-webhook",
        "/api/webhooks/{webhook_uuid}/actions",
        {"action": "rotate-secret", "reason": "the old one was seen"},
        {"webhook_uuid": WEBHOOK},
    ),
]

END: Final[list[Command | Batch]] = [
    Command("waive-late-fee", {"product_uuid": PRODUCT, "amount": "0.40", "reason": "goodwill"}),
    Command("apply-payment", {"product_uuid": PRODUCT, "amount": "10.00", "reference": "wire 92"}),
    Command("reverse-payment", {"product_uuid": PRODUCT, "position": LAST, "reason": "it was meant for another"}),
    Command("waive-late-fee", {"product_uuid": PRODUCT, "amount": "0.10", "reason": "it was meant for another"}),
    Command("reverse-waiver", {"product_uuid": PRODUCT, "position": LAST, "reason": "it was meant for another"}),
    Command("write-off-product", {"product_uuid": PRODUCT, "reason": "the debtor is insolvent"}),
    Command("reverse-write-off", {"product_uuid": PRODUCT, "position": LAST, "reason": "the debtor pays after all"}),
    Command("reverse-late-fee", {"product_uuid": PRODUCT, "position": FEE, "reason": "it was charged in error"}),
    Command("write-off-product", {"product_uuid": PRODUCT, "reason": "the debtor is insolvent"}),
    Command("record-recovery", {"product_uuid": PRODUCT, "amount": "80.00", "reference": "from the liquidator"}),
    Command("reverse-recovery", {"product_uuid": PRODUCT, "position": LAST, "reason": "it was meant for another"}),
    Command("pay-out-funds", {"account_uuid": ACCOUNT, "amount": "50.00", "reference": "payout 8"}),
    Command("return-payout", {"account_uuid": ACCOUNT, "position": LAST, "reason": "the bank sent it back"}),
    Command("fund-company", {"company_uuid": SELLER, "amount": "25.00", "reference": "wire 91"}),
    Command("reverse-funding", {"company_uuid": SELLER, "position": LAST, "reason": "it was meant for another"}),
    Command("open-funding-account", {"account_uuid": SECOND_ACCOUNT, "company_uuid": SELLER, "label": "unused"}),
    Command("close-funding-account", {"account_uuid": SECOND_ACCOUNT, "reason": "it was never needed"}),
    Command("delete-deal", {"deal_uuid": DEAL}),
    Batch(
        "post-batch",
        [
            Command("register-company", {"company_uuid": THIRD, "name": "Canvas Ltd"}),
            Command("rename-company", {"company_uuid": THIRD, "name": "Canvas & Sons Ltd"}),
            Command("rename-company", {"company_uuid": UNKNOWN, "name": "Nobody"}),
        ],
    ),
]


def play(api: Api) -> dict[str, dict[str, Any]]:
    """Return the first request and answer of each operation."""
    examples: dict[str, dict[str, Any]] = {}
    last = 0
    for step in [*BEGINNING, *QUERIES, *END]:
        match step:
            case Day():
                daily_cycle.cycle(step.of)
                catch_up()
            case Command():
                body = {name: _replaced(value, last) for name, value in step.body.items()}
                answer = _answered(api.command(step.name, body, key=f"{step.name}-{last}", headers=_REQUEST), 201)
                last = answer["position"]
                examples.setdefault(step.name, {"body": body, "answer": answer})
            case Batch():
                sent = [
                    {"command": one.name, "idempotency_key": f"invoice-4711-{number}", "body": one.body}
                    for number, one in enumerate(step.commands)
                ]
                body = {"commands": sent}
                answer = _answered(api.post("/api/batches", json.dumps(body), _REQUEST), 200)
                examples[step.name] = {"body": body, "answer": answer}
            case Operation():
                operator = Api(new_token(f"operator of {step.name}", [OPERATE]))
                with override_settings(WEBHOOKS=True, WEBHOOK_NETWORKS=["127.0.0.1/32"]):
                    path = step.path.format(**step.parameters)
                    answer = _answered(operator.post(path, json.dumps(step.body), _REQUEST), step.status)
                examples[step.name] = {"body": step.body, "parameters": step.parameters, "answer": answer}
            case Query():
                answer = _answered(api.get(_address(step)), 200)
                examples[step.name] = {"parameters": step.parameters, "answer": answer}
    return examples


def _replaced(value: Any, last: int) -> Any:
    if value is not FEE:
        return last if value is LAST else value
    fee = store.last_of_type("LateFeeIncurred")
    assert fee is not None
    return fee.position


def _address(query: Query) -> str:
    path = query.path.format(**query.parameters)
    rest = [f"{name}={value}" for name, value in query.parameters.items() if f"{{{name}}}" not in query.path]
    return f"{path}?{'&'.join(rest)}" if rest else path


def _answered(response: Any, status: int) -> Any:
    assert response.status_code == status, response.content
    # Moments, secrets and rates differ in each run: fixed ones stand in for them.
    text = _SECRET.sub(SECRET, _MOMENT.sub(MOMENT, response.content.decode()))
    return json.loads(_RATE.sub('"rate": 64.2', text))


def operations() -> Iterator[str]:
    """Yield the operations of the story."""
    steps: list[Command | Batch | Query | Operation | Day] = [*BEGINNING, *QUERIES, *END]
    yield from (step.name for step in steps if not isinstance(step, Day))
