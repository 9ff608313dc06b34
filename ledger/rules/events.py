"""Every event of the ledger, with the names and fields that are stored.

Amounts, values and principals are decimals with exactly the digits of their ISO 4217 currency. Rates are fractions per
day, dates are business dates, moments are UTC. A class never changes once events of its type exist: a new shape is a
new schema version with an upcaster.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class DealCompany:
    """A company and the role that it plays in a deal."""

    company_uuid: UUID
    role: str


@dataclass(frozen=True, slots=True)
class GrantSource:
    """What a grant drew from one company or asset."""

    from_type: str
    from_uuid: UUID
    amount: Decimal


@dataclass(frozen=True, slots=True)
class GrantDestination:
    """What a grant paid to one funding account, and the product that the money is for."""

    to_company_uuid: UUID
    to_company_account_uuid: UUID
    amount: Decimal
    product_uuid: UUID | None = None


@dataclass(frozen=True, slots=True)
class CurrencyTotal:
    """A sum in one currency."""

    currency: str
    amount: Decimal


# company


@dataclass(frozen=True, slots=True)
class CompanyRegistered:
    """A company was registered."""

    name: str


@dataclass(frozen=True, slots=True)
class CompanyRenamed:
    """The name of a company changed."""

    name: str


@dataclass(frozen=True, slots=True)
class CompanyFunded:
    """Money was received from outside and added to the company's balance."""

    amount: Decimal
    currency: str
    reference: str


@dataclass(frozen=True, slots=True)
class PayoutReturnedToCompany:
    """The whole payout at `position` came back after its account was closed; it was added to the company's balance."""

    position: int
    account_uuid: UUID
    amount: Decimal
    currency: str
    reason: str


# company and asset


@dataclass(frozen=True, slots=True)
class FundsDebited:
    """A grant took money from the balance of a company or an asset."""

    amount: Decimal
    currency: str
    grant_uuid: UUID


@dataclass(frozen=True, slots=True)
class FundingReversed:
    """The whole receipt (CompanyFunded or AssetFunded) at `position` was taken back."""

    position: int
    amount: Decimal
    currency: str
    reason: str


# asset


@dataclass(frozen=True, slots=True)
class AssetRegistered:
    """A receivable was registered."""

    value: Decimal
    currency: str
    sender_company_uuid: UUID
    receiver_company_uuid: UUID
    reference: str


@dataclass(frozen=True, slots=True)
class AssetRevalued:
    """The value of a receivable changed; it may be zero."""

    value: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class AssetFinanced:
    """A product was originated on the asset."""

    product_uuid: UUID
    principal: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class AssetFunded:
    """Cash was collected on the asset and added to its balance."""

    amount: Decimal
    currency: str
    reference: str


# account


@dataclass(frozen=True, slots=True)
class FundingAccountOpened:
    """A funding account of a company was opened; its status is pending."""

    company_uuid: UUID
    label: str


@dataclass(frozen=True, slots=True)
class FundingAccountActivated:
    """The account was activated and can be credited."""


@dataclass(frozen=True, slots=True)
class FundingAccountClosed:
    """The account was closed for good."""

    reason: str


@dataclass(frozen=True, slots=True)
class FundsCredited:
    """A grant paid money to the account."""

    amount: Decimal
    currency: str
    grant_uuid: UUID


@dataclass(frozen=True, slots=True)
class FundsPaidOut:
    """Money was paid out of the ledger from the account."""

    amount: Decimal
    currency: str
    reference: str


@dataclass(frozen=True, slots=True)
class PayoutReturned:
    """The whole payout at `position` came back."""

    position: int
    amount: Decimal
    currency: str
    reason: str


# deal


@dataclass(frozen=True, slots=True)
class DealCreated:
    """Companies agreed on a deal under a product line."""

    product_line_id: int
    companies: tuple[DealCompany, ...]
    rating_tier: str | None = None


@dataclass(frozen=True, slots=True)
class DealUpdated:
    """The deal's terms changed; it must be activated again."""

    product_line_id: int
    companies: tuple[DealCompany, ...]
    rating_tier: str | None = None


@dataclass(frozen=True, slots=True)
class DealActivated:
    """The deal was activated: products can be originated under it."""


@dataclass(frozen=True, slots=True)
class DealDeleted:
    """The deal was deleted; its products stay as they are."""


# product


@dataclass(frozen=True, slots=True)
class ProductOriginated:
    """A product was originated: a company owes a principal under a deal."""

    deal_uuid: UUID
    asset_uuid: UUID | None
    obligor_company_uuid: UUID
    principal: Decimal
    currency: str
    due_date: date
    daily_late_fee_rate: Decimal
    late_fee_payer_role: str
    companies: tuple[DealCompany, ...]
    reference: str


@dataclass(frozen=True, slots=True)
class PaymentApplied:
    """A payment was received and applied to principal first, then to fees."""

    amount: Decimal
    to_principal: Decimal
    to_fees: Decimal
    currency: str
    reference: str


@dataclass(frozen=True, slots=True)
class PaymentReversed:
    """The whole payment at `position` was taken back."""

    position: int
    amount: Decimal
    to_principal: Decimal
    to_fees: Decimal
    currency: str
    reason: str


@dataclass(frozen=True, slots=True)
class LateFeeIncurred:
    """A product was charged the fee of one business date: the asset's value × the rate, rounded half-even once."""

    amount: Decimal
    currency: str
    fee_payer_company_uuid: UUID
    business_date: date
    incurred_at: datetime
    asset_uuid: UUID
    asset_value: Decimal
    daily_late_fee_rate: Decimal
    days_overdue: int


@dataclass(frozen=True, slots=True)
class LateFeeNotAssessed:
    """An overdue product could not be charged: no_asset, unknown_asset or no_payer."""

    reason: str
    business_date: date


@dataclass(frozen=True, slots=True)
class LateFeeWaived:
    """Late fees were waived."""

    amount: Decimal
    currency: str
    reason: str


@dataclass(frozen=True, slots=True)
class ProductWrittenOff:
    """What the product still owed was written off as lost."""

    principal: Decimal
    fees: Decimal
    currency: str
    reason: str


@dataclass(frozen=True, slots=True)
class LateFeeReversed:
    """The whole late fee at `position` was taken back."""

    position: int
    amount: Decimal
    currency: str
    reason: str


@dataclass(frozen=True, slots=True)
class WaiverReversed:
    """The whole waiver at `position` was taken back."""

    position: int
    amount: Decimal
    currency: str
    reason: str


@dataclass(frozen=True, slots=True)
class WriteOffReversed:
    """The whole write-off at `position` was taken back."""

    position: int
    principal: Decimal
    fees: Decimal
    currency: str
    reason: str


@dataclass(frozen=True, slots=True)
class RecoveryRecorded:
    """Money was received for what had been written off."""

    amount: Decimal
    currency: str
    reference: str


@dataclass(frozen=True, slots=True)
class RecoveryReversed:
    """The whole recovery at `position` was taken back."""

    position: int
    amount: Decimal
    currency: str
    reason: str


# grant


@dataclass(frozen=True, slots=True)
class BalancesGranted:
    """Balances were drawn from sources and credited to funding accounts."""

    total: Decimal
    currency: str
    reference: str
    sources: tuple[GrantSource, ...]
    destinations: tuple[GrantDestination, ...]


# system, late_fees and seals: the streams without a uuid


@dataclass(frozen=True, slots=True)
class SystemCycled:
    """A business date began."""

    new_date: date


@dataclass(frozen=True, slots=True)
class LateFeesAssessed:
    """The late fees of a business date are complete; overdue is the sum of the other three counts."""

    business_date: date
    overdue: int
    incurred: int
    not_assessed: int
    rounded_to_zero: int
    totals: tuple[CurrencyTotal, ...]


@dataclass(frozen=True, slots=True)
class SealedTotal:
    """The debits and the credits of the journal in one currency, up to the end of a seal; they are equal."""

    currency: str
    debit: Decimal
    credit: Decimal


@dataclass(frozen=True, slots=True)
class DaySealed:
    """A business date has ended, and every event since the seal before is sealed: none can change unnoticed.

    The root is that of the Merkle tree (RFC 9162) over these events in canonical form (RFC 8785); the blocks are the
    roots of its parts, each of as many events as the block size says. The chain is the SHA-256 of the seal's statement,
    which names the chain of the seal before as the previous one. The signature is Ed25519's. Hashes, keys and
    signatures are hexadecimal.
    """

    sealed_date: date
    first_position: int
    last_position: int
    events: int
    totals: tuple[SealedTotal, ...]
    root: str
    previous: str
    block_size: int
    blocks: tuple[str, ...]
    chain: str
    public_key: str
    signature: str


CompanyEvent = (
    CompanyRegistered | CompanyRenamed | CompanyFunded | FundsDebited | FundingReversed | PayoutReturnedToCompany
)
AssetEvent = AssetRegistered | AssetRevalued | AssetFinanced | AssetFunded | FundsDebited | FundingReversed
AccountEvent = (
    FundingAccountOpened
    | FundingAccountActivated
    | FundingAccountClosed
    | FundsCredited
    | FundsPaidOut
    | PayoutReturned
)
DealEvent = DealCreated | DealUpdated | DealActivated | DealDeleted
ProductEvent = (
    ProductOriginated
    | PaymentApplied
    | PaymentReversed
    | LateFeeIncurred
    | LateFeeNotAssessed
    | LateFeeWaived
    | ProductWrittenOff
    | LateFeeReversed
    | WaiverReversed
    | WriteOffReversed
    | RecoveryRecorded
    | RecoveryReversed
)
ProductReversal = PaymentReversed | LateFeeReversed | WaiverReversed | WriteOffReversed | RecoveryReversed
"""The events that take back another event of their product, at `position`."""
GrantEvent = BalancesGranted
SystemEvent = SystemCycled
LateFeesEvent = LateFeesAssessed
SealEvent = DaySealed

CATEGORIES: dict[str, tuple[type, ...]] = {
    "company": CompanyEvent.__args__,
    "asset": AssetEvent.__args__,
    "account": AccountEvent.__args__,
    "deal": DealEvent.__args__,
    "product": ProductEvent.__args__,
    "grant": (BalancesGranted,),
    "system": (SystemCycled,),
    "late_fees": (LateFeesAssessed,),
    "seals": (DaySealed,),
}
