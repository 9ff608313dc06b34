"""The late fee of an overdue product as the JSON that is recorded, for cycles with very many products.

`fees.assess` is the definition; a test compares both. It is asked itself for the reason why there is no payer.
"""

import json
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple
from uuid import UUID

from eventstore.payloads.registry import Encoded, registry
from ledger.rules import late_fee
from ledger.rules.events import LateFeeIncurred, LateFeeNotAssessed
from processmanagers.assets import AssetTexts
from processmanagers.fees import AssetAt, Cycle, assess
from projectors.queries.overdue import Candidate

_NOBODY: Final = UUID(int=0)


class Fee(NamedTuple):
    """An amount that is charged, and the event that records it."""

    amount: Decimal
    currency: str
    event: Encoded | LateFeeIncurred


class _Terms(NamedTuple):
    """The terms of a product, as `assess` reads them."""

    asset_uuid: UUID | None
    due_date: date
    daily_late_fee_rate: Decimal
    late_fee_payer_role: str
    companies: tuple[tuple[UUID, str], ...]


class RecordedFees:
    """The fees of one cycle."""

    def __init__(self, cycle: Cycle) -> None:
        self._cycle = cycle
        any_fee = LateFeeIncurred(
            Decimal(0), "", _NOBODY, cycle.date, cycle.recorded_at, _NOBODY, Decimal(0), Decimal(0), 0
        )
        payload = json.loads(registry.encode(any_fee)[2])
        self._dates = f'"business_date":"{payload["business_date"]}","incurred_at":"{payload["incurred_at"]}"'

    def of(self, product: Candidate, asset: AssetTexts | None) -> Fee | LateFeeNotAssessed | None:
        """Return the fee, or the reason why it cannot be assessed, or None if it rounds to zero.

        `asset` is None if the asset does not exist.
        """
        payer = None if asset is None or product.asset_uuid is None else _payer(product, asset)
        if asset is None or payer is None:
            return self._by_definition(product, asset)
        value, rate = Decimal(asset.value), Decimal(product.daily_late_fee_rate)
        amount = late_fee.amount(value, rate)
        if not amount:
            return None
        payload = (
            f'{{"amount":"{amount:f}","currency":{_as_json(asset.currency)},"fee_payer_company_uuid":"{payer}"'
            f',{self._dates},"asset_uuid":"{product.asset_uuid}","asset_value":"{value:f}"'
            f',"daily_late_fee_rate":"{rate:f}","days_overdue":{(self._cycle.date - product.due_date).days}}}'
        )
        return Fee(amount, asset.currency, registry.encoded(LateFeeIncurred, payload))

    def _by_definition(self, product: Candidate, asset: AssetTexts | None) -> Fee | LateFeeNotAssessed | None:
        terms = _Terms(
            None if product.asset_uuid is None else UUID(product.asset_uuid),
            product.due_date,
            Decimal(product.daily_late_fee_rate),
            product.late_fee_payer_role,
            tuple((UUID(uuid), role) for uuid, role in _companies(product.companies)),
        )
        known = asset and AssetAt(
            Decimal(asset.value), asset.currency, UUID(asset.sender_company_uuid), UUID(asset.receiver_company_uuid)
        )
        outcome = assess(terms, known, self._cycle)
        return Fee(outcome.amount, outcome.currency, outcome) if isinstance(outcome, LateFeeIncurred) else outcome


def _payer(product: Candidate, asset: AssetTexts) -> str | None:
    """Return the first company in the payer's role that sends or receives the asset."""
    role = product.late_fee_payer_role
    parties = (_canonical(asset.sender_company_uuid), _canonical(asset.receiver_company_uuid))
    for uuid, played_role in _companies(product.companies):
        if played_role == role and uuid in parties:
            return uuid
    return None


@lru_cache(maxsize=1024)
def _companies(text: str) -> tuple[tuple[str, str], ...]:
    # The products of one deal have the same companies, and a page has many of them.
    return tuple((_canonical(company["company_uuid"]), company["role"]) for company in json.loads(text))


@lru_cache(maxsize=4096)
def _canonical(uuid: str) -> str:
    return str(UUID(uuid))


@lru_cache(maxsize=64)
def _as_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
