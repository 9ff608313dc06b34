"""Refusals of a field that is wrong by itself."""

from dataclasses import dataclass
from datetime import date

from ledger.rules.refusals.base import NotAcceptable


@dataclass(eq=False, kw_only=True)
class InvalidAmount(NotAcceptable):
    """The amount or value is not valid in its currency."""

    slug = "invalid-amount"
    sentence = "The {field} {value!r} is not valid: {reason}."
    remedy = (
        "Send an amount above 0 as text, with no more digits than its currency has, such as 1250.00. Only an asset's"
        " new value may be 0."
    )

    field: str = "amount"
    value: str
    reason: str


@dataclass(eq=False, kw_only=True)
class InvalidRate(NotAcceptable):
    """The late-fee rate is not a fraction from 0 to 1 with at most 8 digits."""

    slug = "invalid-rate"
    sentence = "The rate {value!r} is not valid: {reason}."
    remedy = "Send the fraction of a day as text, such as 0.001."

    value: str
    reason: str


@dataclass(eq=False, kw_only=True)
class InvalidDate(NotAcceptable):
    """The date is outside the range of business dates."""

    slug = "invalid-date"
    sentence = "The {field} {value} is not valid: business dates lie between {first_date} and {last_date}."
    remedy = "Check the year."

    field: str
    value: date
    first_date: date
    last_date: date


@dataclass(eq=False, kw_only=True)
class InvalidText(NotAcceptable):
    """The name, reference, reason, label, role or tier is not a valid text."""

    slug = "invalid-text"
    sentence = "The {field} is not valid: {reason}."
    remedy = "Send 1 to 200 characters that can be seen, without control characters and without blanks at the ends."

    field: str
    reason: str


@dataclass(eq=False, kw_only=True)
class UnknownCurrency(NotAcceptable):
    """The currency is not a code of ISO 4217 with a minor unit."""

    slug = "unknown-currency"
    sentence = "The currency {currency!r} is none of ISO 4217 with a minor unit."
    remedy = "Send a code such as USD, or leave it out to take that of the target."

    currency: str


@dataclass(eq=False, kw_only=True)
class CurrencyRequired(NotAcceptable):
    """No currency is given, and the target has none yet."""

    slug = "currency-required"
    sentence = "A currency is required, for there is none yet to go by."
    remedy = (
        "Send a currency. The first receipt decides that of a company; the first grant decides that of a funding "
        "account, which has nothing to pay out before."
    )


@dataclass(eq=False, kw_only=True)
class UnknownProductLine(NotAcceptable):
    """The product line is not a number from 1 to 4."""

    slug = "unknown-product-line"
    sentence = "There is no product line {product_line_id}; there are 1, 2, 3 and 4."
    remedy = "Send 1 (receivables purchase), 2 (payables finance), 3 (inventory finance) or 4 (membership)."

    product_line_id: int


@dataclass(eq=False, kw_only=True)
class UnknownFromType(NotAcceptable):
    """A source of the grant is neither an asset nor a company."""

    slug = "unknown-from-type"
    sentence = 'A grant cannot draw on {from_type!r}, only on "asset" or "company".'
    remedy = "Name each source as one of the two."

    from_type: str


@dataclass(eq=False, kw_only=True)
class OneTargetRequired(NotAcceptable):
    """The reversal of a receipt does not name exactly one company or asset."""

    slug = "one-target-required"
    sentence = "Exactly one of company_uuid and asset_uuid is required."
    remedy = "Name the company or the asset whose funding is taken back, and not both."
