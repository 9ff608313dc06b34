"""The late fee of one overdue product for one business date."""

from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple, Protocol
from uuid import UUID

from ledger.rules import late_fee
from ledger.rules.events import LateFeeIncurred, LateFeeNotAssessed


class Cycle(NamedTuple):
    """The beginning of a business date: the date, the position of its SystemCycled, and when that was recorded."""

    date: date
    position: int
    recorded_at: datetime


class AssetAt(NamedTuple):
    """What a fee needs of an asset, as of the position of a cycle."""

    value: Decimal
    currency: str
    sender_company_uuid: UUID
    receiver_company_uuid: UUID


class ProductTerms(Protocol):
    """What a fee needs of a product."""

    @property
    def asset_uuid(self) -> UUID | None: ...  # noqa: D102 - named as the product's fields
    @property
    def due_date(self) -> date: ...  # noqa: D102
    @property
    def daily_late_fee_rate(self) -> Decimal: ...  # noqa: D102
    @property
    def late_fee_payer_role(self) -> str: ...  # noqa: D102
    @property
    def companies(self) -> tuple[tuple[UUID, str], ...]: ...  # noqa: D102


def assess(product: ProductTerms, asset: AssetAt | None, cycle: Cycle) -> LateFeeIncurred | LateFeeNotAssessed | None:
    """Return the fee, or the reason why it cannot be assessed, or None if it rounds to zero.

    `asset` is None if the asset does not exist.
    """
    if product.asset_uuid is None:
        return LateFeeNotAssessed("no_asset", cycle.date)
    if asset is None:
        return LateFeeNotAssessed("unknown_asset", cycle.date)
    payer = _payer(product, asset)
    if payer is None:
        return LateFeeNotAssessed("no_payer", cycle.date)
    amount = late_fee.amount(asset.value, product.daily_late_fee_rate)
    if not amount:
        return None
    return LateFeeIncurred(
        amount,
        asset.currency,
        payer,
        cycle.date,
        cycle.recorded_at,
        product.asset_uuid,
        asset.value,
        product.daily_late_fee_rate,
        (cycle.date - product.due_date).days,
    )


def _payer(product: ProductTerms, asset: AssetAt) -> UUID | None:
    """Return the first company in the payer's role that sends or receives the asset."""
    role, parties = product.late_fee_payer_role, (asset.sender_company_uuid, asset.receiver_company_uuid)
    for company_uuid, played_role in product.companies:
        if played_role == role and company_uuid in parties:
            return company_uuid
    return None
