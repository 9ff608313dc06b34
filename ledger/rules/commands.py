"""Every command of the ledger: what somebody asks for, before any rule has looked at it.

Amounts are decimals as they were sent, not yet checked. A currency left out is that of the command's target.
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
    """A funding account that a grant pays to, and for which product."""

    to_company_uuid: UUID
    to_company_account_uuid: UUID
    amount: Decimal
    product_uuid: UUID | None = None


# company


@dataclass(frozen=True, slots=True)
class RegisterCompany:
    """Make a company known."""

    company_uuid: UUID
    name: str


@dataclass(frozen=True, slots=True)
class RenameCompany:
    """Give a company another name."""

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
    """Make a receivable known."""

    asset_uuid: UUID
    value: Decimal
    sender_company_uuid: UUID
    receiver_company_uuid: UUID
    reference: str
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class RevalueAsset:
    """Say what an asset is worth now, perhaps nothing."""

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
    """Take back the CompanyFunded or AssetFunded at a position, whole; exactly one target is given."""

    position: int
    reason: str
    company_uuid: UUID | None = None
    asset_uuid: UUID | None = None


# account


@dataclass(frozen=True, slots=True)
class OpenFundingAccount:
    """Open an account of a company; it is pending."""

    account_uuid: UUID
    company_uuid: UUID
    label: str


@dataclass(frozen=True, slots=True)
class ActivateFundingAccount:
    """Let an account be credited."""

    account_uuid: UUID


@dataclass(frozen=True, slots=True)
class CloseFundingAccount:
    """Close an account for good."""

    account_uuid: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class PayOutFunds:
    """Pay money out of the ledger from an account."""

    account_uuid: UUID
    amount: Decimal
    reference: str
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class ReturnPayout:
    """Take back the FundsPaidOut at a position, whole."""

    account_uuid: UUID
    position: int
    reason: str


# deal


@dataclass(frozen=True, slots=True)
class CreateDeal:
    """Agree on a deal."""

    deal_uuid: UUID
    product_line_id: int
    companies: tuple[DealCompany, ...]
    rating_tier: str | None = None


@dataclass(frozen=True, slots=True)
class UpdateDeal:
    """Replace a deal's terms; it must be activated anew."""

    deal_uuid: UUID
    product_line_id: int
    companies: tuple[DealCompany, ...]
    rating_tier: str | None = None


@dataclass(frozen=True, slots=True)
class ActivateDeal:
    """Let products be originated under a deal."""

    deal_uuid: UUID


@dataclass(frozen=True, slots=True)
class DeleteDeal:
    """End a deal; its products stay."""

    deal_uuid: UUID


# product


@dataclass(frozen=True, slots=True)
class OriginateProduct:
    """Let a company owe a principal under a deal."""

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
    """Record a payment on a product: to principal first, then to fees."""

    product_uuid: UUID
    amount: Decimal
    reference: str
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class ReversePayment:
    """Take back the PaymentApplied at a position, whole."""

    product_uuid: UUID
    position: int
    reason: str


@dataclass(frozen=True, slots=True)
class WaiveLateFee:
    """Forgive fees."""

    product_uuid: UUID
    amount: Decimal
    reason: str
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class WriteOffProduct:
    """Give up as lost what a product still owes."""

    product_uuid: UUID
    reason: str


# grant


@dataclass(frozen=True, slots=True)
class GrantBalances:
    """Draw on balances, in the order given, and pay to funding accounts."""

    grant_uuid: UUID
    reference: str
    sources: tuple[Source, ...]
    destinations: tuple[Destination, ...]
    currency: str | None = None


CompanyCommand = RegisterCompany | RenameCompany | FundCompany
AssetCommand = RegisterAsset | RevalueAsset | FundAsset
AccountCommand = OpenFundingAccount | ActivateFundingAccount | CloseFundingAccount | PayOutFunds | ReturnPayout
DealCommand = CreateDeal | UpdateDeal | ActivateDeal | DeleteDeal
ProductCommand = OriginateProduct | ApplyPayment | ReversePayment | WaiveLateFee | WriteOffProduct
Command = CompanyCommand | AssetCommand | ReverseFunding | AccountCommand | DealCommand | ProductCommand | GrantBalances
