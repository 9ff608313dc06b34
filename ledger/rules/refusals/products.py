"""Refusals by the rules of deals and products."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from ledger.rules.refusals.base import AgainstTheRules


@dataclass(eq=False, kw_only=True)
class DealWithoutCompanies(AgainstTheRules):
    """The deal has no company."""

    slug = "deal-without-companies"
    sentence = "A deal needs at least one company."
    remedy = "Name each company with the role that it plays."


@dataclass(eq=False, kw_only=True)
class CompanyTwiceInRole(AgainstTheRules):
    """The deal names a company twice in one role."""

    slug = "company-twice-in-role"
    sentence = "The company {company_uuid} stands twice in the role {role!r}."
    remedy = "Name it once."

    company_uuid: UUID
    role: str


@dataclass(eq=False, kw_only=True)
class MembershipCompanyCount(AgainstTheRules):
    """The membership deal does not have exactly one company."""

    slug = "membership-company-count"
    sentence = "A membership deal has exactly one company, not {count}."
    remedy = "Create one deal for each member."

    count: int


@dataclass(eq=False, kw_only=True)
class RatingTierRequired(AgainstTheRules):
    """The membership deal has no rating tier."""

    slug = "rating-tier-required"
    sentence = "A membership deal needs a rating tier."
    remedy = "Send a rating_tier."


@dataclass(eq=False, kw_only=True)
class RatingTierNotAllowed(AgainstTheRules):
    """The deal is no membership deal and has a rating tier."""

    slug = "rating-tier-not-allowed"
    sentence = "Only a membership deal has a rating tier, not product line {product_line_id}."
    remedy = "Leave rating_tier out."

    product_line_id: int


@dataclass(eq=False, kw_only=True)
class ProductLineFixed(AgainstTheRules):
    """The update would change the product line of the deal."""

    slug = "product-line-fixed"
    sentence = "The deal's product line is {product_line_id} and cannot become {requested}."
    remedy = "Create another deal for the other product line."

    product_line_id: int
    requested: int


@dataclass(eq=False, kw_only=True)
class DealIsDeleted(AgainstTheRules):
    """The deal is deleted."""

    slug = "deal-is-deleted"
    sentence = "The deal {deal_uuid} is deleted."
    remedy = "Create another deal."

    deal_uuid: UUID


@dataclass(eq=False, kw_only=True)
class DealNotActive(AgainstTheRules):
    """The deal is not active."""

    slug = "deal-not-active"
    sentence = "The deal {deal_uuid} is {status}, not active."
    remedy = "Activate it first, also after each update; a deleted deal stays deleted."

    deal_uuid: UUID
    status: str


@dataclass(eq=False, kw_only=True)
class MembershipWithoutProducts(AgainstTheRules):
    """No product is originated under a membership deal."""

    slug = "membership-without-products"
    sentence = "The deal {deal_uuid} is a membership deal: no product is originated under it."
    remedy = "Name a deal of product line 1, 2 or 3."

    deal_uuid: UUID


@dataclass(eq=False, kw_only=True)
class ProductNotOpen(AgainstTheRules):
    """The product that a grant is for is not open."""

    slug = "product-not-open"
    sentence = "The product {product_uuid} is {status}, not open."
    remedy = "Name an open product, or none."

    product_uuid: UUID
    status: str


@dataclass(eq=False, kw_only=True)
class CompanyNotInDeal(AgainstTheRules):
    """The company that a grant pays is not one of the deal of the product that the grant is for."""

    slug = "company-not-in-deal"
    sentence = "The company {company_uuid} is not one of the deal of the product {product_uuid}."
    remedy = "Name a product of a deal of this company, or none."

    company_uuid: UUID
    product_uuid: UUID


@dataclass(eq=False, kw_only=True)
class PrincipalExceedsValue(AgainstTheRules):
    """The principal is greater than the value of the asset."""

    slug = "principal-exceeds-value"
    sentence = "The principal {principal} {currency} exceeds the asset's value of {value} {currency}."
    remedy = "Lower the principal, or revalue the asset first."

    principal: Decimal
    value: Decimal
    currency: str


@dataclass(eq=False, kw_only=True)
class AssetAlreadyFinanced(AgainstTheRules):
    """The asset already backs a product with principal outstanding."""

    slug = "asset-already-financed"
    sentence = (
        "The asset {asset_uuid} backs the product {product_uuid}, of which {principal_outstanding} "
        "{currency} is outstanding."
    )
    remedy = "Wait until that product is paid or written off, or name another asset."

    asset_uuid: UUID
    product_uuid: UUID
    principal_outstanding: Decimal
    currency: str | None


@dataclass(eq=False, kw_only=True)
class RoleNotPlayed(AgainstTheRules):
    """No company of the deal plays the role of the late-fee payer."""

    slug = "role-not-played"
    sentence = "No company of the deal plays the role {role!r}."
    remedy = "Name a role that one of the deal's companies plays."

    role: str


@dataclass(eq=False, kw_only=True)
class ObligorNotInDeal(AgainstTheRules):
    """The obligor is not one of the deal's companies."""

    slug = "obligor-not-in-deal"
    sentence = "The company {company_uuid} is not one of the deal's."
    remedy = "Name one of the deal's companies, or leave it out."

    company_uuid: UUID


@dataclass(eq=False, kw_only=True)
class ObligorRequired(AgainstTheRules):
    """Several companies play the payer's role, and no obligor is named."""

    slug = "obligor-required"
    sentence = "{count} companies play the role {role!r}: name the obligor."
    remedy = "Send the obligor_company_uuid."

    role: str
    count: int


@dataclass(eq=False, kw_only=True)
class PaymentExceedsOutstanding(AgainstTheRules):
    """The payment is greater than what is outstanding."""

    slug = "payment-exceeds-outstanding"
    sentence = "The payment exceeds what is outstanding by {surplus} {currency}: principal {principal}, fees {fees}."
    remedy = "Apply no more than principal and fees; return the surplus to whoever paid it."

    principal: Decimal
    fees: Decimal
    surplus: Decimal
    currency: str


@dataclass(eq=False, kw_only=True)
class WaiverExceedsFees(AgainstTheRules):
    """The waiver is greater than the fees outstanding."""

    slug = "waiver-exceeds-fees"
    sentence = "{requested} {currency} cannot be waived of fees of {fees} {currency}."
    remedy = "Waive no more than the fees outstanding."

    fees: Decimal
    requested: Decimal
    currency: str


@dataclass(eq=False, kw_only=True)
class ProductIsWrittenOff(AgainstTheRules):
    """The product is written off."""

    slug = "product-is-written-off"
    sentence = "The product {product_uuid} is written off."
    remedy = "Record money that is received as a recovery; a fee that was charged since can be waived or written off."

    product_uuid: UUID


@dataclass(eq=False, kw_only=True)
class NothingOwed(AgainstTheRules):
    """The product owes nothing."""

    slug = "nothing-owed"
    sentence = "The product {product_uuid} owes nothing."
    remedy = "There is nothing left to do."

    product_uuid: UUID


@dataclass(eq=False, kw_only=True)
class FeeNotOutstanding(AgainstTheRules):
    """The late fee is no longer outstanding."""

    slug = "fee-not-outstanding"
    sentence = "The fee of {requested} {currency} was paid, waived or written off: {fees} {currency} are outstanding."
    remedy = "Reverse the payment, the waiver or the write-off first."

    fees: Decimal
    requested: Decimal
    currency: str


@dataclass(eq=False, kw_only=True)
class ProductNotWrittenOff(AgainstTheRules):
    """Nothing of the product is written off."""

    slug = "product-not-written-off"
    sentence = "Nothing of the product {product_uuid} is written off, so nothing can be recovered."
    remedy = "Apply the money as a payment."

    product_uuid: UUID


@dataclass(eq=False, kw_only=True)
class RecoveryExceedsWriteOff(AgainstTheRules):
    """The recoveries are greater than what is written off."""

    slug = "recovery-exceeds-write-off"
    sentence = "Recoveries would be {recovered} {currency}, more than the {written_off} {currency} written off."
    remedy = "Record no more than is written off; before a write-off is reversed, reverse the recoveries."

    written_off: Decimal
    recovered: Decimal
    currency: str
