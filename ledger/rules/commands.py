"""Every command of the ledger, before any rule has checked it.

Amounts are the decimals that were sent. If the currency is omitted, it is that of the command's target.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from ledger.rules.events import DealCompany


@dataclass(frozen=True, slots=True)
class Source:
    """A company or an asset that a grant may draw on."""

    from_type: str
    from_uuid: UUID


@dataclass(frozen=True, slots=True)
class Destination:
    """A funding account that a grant pays to, and the product that the money is for."""

    to_company_uuid: UUID
    to_company_account_uuid: UUID
    amount: Decimal
    product_uuid: UUID | None = None


# company


@dataclass(frozen=True, slots=True)
class RegisterCompany:
    """Register a company."""

    company_uuid: UUID
    name: str


@dataclass(frozen=True, slots=True)
class RenameCompany:
    """Change the name of a company."""

    company_uuid: UUID
    name: str


@dataclass(frozen=True, slots=True)
class FundCompany:
    """Add money from outside to a company's balance."""

    company_uuid: UUID
    amount: Decimal
    reference: str
    currency: str | None = None


# asset


@dataclass(frozen=True, slots=True)
class RegisterAsset:
    """Register a receivable."""

    asset_uuid: UUID
    value: Decimal
    sender_company_uuid: UUID
    receiver_company_uuid: UUID
    reference: str
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class RevalueAsset:
    """Record the present value of an asset, which may be zero; also corrects a currency that no money has yet."""

    asset_uuid: UUID
    value: Decimal
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class FundAsset:
    """Add cash collected on an asset to its balance."""

    asset_uuid: UUID
    amount: Decimal
    reference: str
    currency: str | None = None


# company or asset


@dataclass(frozen=True, slots=True)
class ReverseFunding:
    """Take back the whole CompanyFunded or AssetFunded at a position; exactly one target is given."""

    position: int
    reason: str
    company_uuid: UUID | None = None
    asset_uuid: UUID | None = None


# account


@dataclass(frozen=True, slots=True)
class OpenFundingAccount:
    """Open a funding account of a company; its status is pending."""

    account_uuid: UUID
    company_uuid: UUID
    label: str


@dataclass(frozen=True, slots=True)
class ActivateFundingAccount:
    """Activate a funding account, so that it can be credited."""

    account_uuid: UUID


@dataclass(frozen=True, slots=True)
class CloseFundingAccount:
    """Close a funding account for good."""

    account_uuid: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class PayOutFunds:
    """Pay money out of the ledger from a funding account."""

    account_uuid: UUID
    amount: Decimal
    reference: str
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class ReturnPayout:
    """Take back the whole FundsPaidOut at a position; if the account is closed, the company gets the money."""

    account_uuid: UUID
    position: int
    reason: str


# deal


@dataclass(frozen=True, slots=True)
class CreateDeal:
    """Create a deal."""

    deal_uuid: UUID
    product_line_id: int
    companies: tuple[DealCompany, ...]
    rating_tier: str | None = None


@dataclass(frozen=True, slots=True)
class UpdateDeal:
    """Replace the terms of a deal; it must then be activated again."""

    deal_uuid: UUID
    product_line_id: int
    companies: tuple[DealCompany, ...]
    rating_tier: str | None = None


@dataclass(frozen=True, slots=True)
class ActivateDeal:
    """Activate a deal, so that products can be originated under it."""

    deal_uuid: UUID


@dataclass(frozen=True, slots=True)
class DeleteDeal:
    """Delete a deal; its products stay as they are."""

    deal_uuid: UUID


# product


@dataclass(frozen=True, slots=True)
class OriginateProduct:
    """Originate a product: a company owes a principal under a deal."""

    product_uuid: UUID
    deal_uuid: UUID
    principal: Decimal
    due_date: date
    daily_late_fee_rate: Decimal
    late_fee_payer_role: str
    reference: str
    asset_uuid: UUID | None = None
    obligor_company_uuid: UUID | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class ApplyPayment:
    """Apply a payment to a product: to principal first, then to fees."""

    product_uuid: UUID
    amount: Decimal
    reference: str
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class ReversePayment:
    """Take back the whole PaymentApplied at a position."""

    product_uuid: UUID
    position: int
    reason: str


@dataclass(frozen=True, slots=True)
class WaiveLateFee:
    """Waive late fees of a product."""

    product_uuid: UUID
    amount: Decimal
    reason: str
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class WriteOffProduct:
    """Write off what a product still owes."""

    product_uuid: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class ReverseLateFee:
    """Take back the whole LateFeeIncurred at a position."""

    product_uuid: UUID
    position: int
    reason: str


@dataclass(frozen=True, slots=True)
class ReverseWaiver:
    """Take back the whole LateFeeWaived at a position."""

    product_uuid: UUID
    position: int
    reason: str


@dataclass(frozen=True, slots=True)
class ReverseWriteOff:
    """Take back the whole ProductWrittenOff at a position."""

    product_uuid: UUID
    position: int
    reason: str


@dataclass(frozen=True, slots=True)
class RecordRecovery:
    """Record money that is received for what was written off."""

    product_uuid: UUID
    amount: Decimal
    reference: str
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class ReverseRecovery:
    """Take back the whole RecoveryRecorded at a position."""

    product_uuid: UUID
    position: int
    reason: str


# grant


@dataclass(frozen=True, slots=True)
class GrantBalances:
    """Draw on balances, in the given order, and credit funding accounts."""

    grant_uuid: UUID
    reference: str
    sources: tuple[Source, ...]
    destinations: tuple[Destination, ...]
    currency: str | None = None


CompanyCommand = RegisterCompany | RenameCompany | FundCompany
AssetCommand = RegisterAsset | RevalueAsset | FundAsset
AccountCommand = OpenFundingAccount | ActivateFundingAccount | CloseFundingAccount | PayOutFunds | ReturnPayout
DealCommand = CreateDeal | UpdateDeal | ActivateDeal | DeleteDeal
ProductReversalCommand = ReversePayment | ReverseLateFee | ReverseWaiver | ReverseWriteOff | ReverseRecovery
ProductCommand = (
    OriginateProduct | ApplyPayment | WaiveLateFee | WriteOffProduct | RecordRecovery | ProductReversalCommand
)
Command = CompanyCommand | AssetCommand | ReverseFunding | AccountCommand | DealCommand | ProductCommand | GrantBalances
