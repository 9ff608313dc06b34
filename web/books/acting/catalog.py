"""What the forms say: the title of each command, the labels of its fields, and what each field takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ledger.names import COMMANDS
from ledger.rules.aggregates.deal import PRODUCT_LINES


@dataclass(frozen=True, slots=True)
class Title:
    """What a command is called on its form and in lists, and what it does in one sentence."""

    name: str
    title: str
    about: str


SECTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "Money": {
        "grant-balances": "Grant balances",
        "fund-company": "Fund a company",
        "fund-asset": "Record cash collected on an asset",
        "pay-out-funds": "Pay out of a funding account",
        "apply-payment": "Apply a payment",
        "waive-late-fee": "Waive late fees",
        "write-off-product": "Write off what an invoice owes",
        "record-recovery": "Record a recovery",
    },
    "Corrections": {
        "reverse-funding": "Reverse a receipt",
        "return-payout": "Return a payout",
        "reverse-payment": "Reverse a payment",
        "reverse-late-fee": "Reverse a late fee",
        "reverse-waiver": "Reverse a waiver",
        "reverse-write-off": "Reverse a write-off",
        "reverse-recovery": "Reverse a recovery",
        "revalue-asset": "Revalue an asset, or correct its first currency",
    },
    "Funding accounts": {
        "open-funding-account": "Open a funding account",
        "activate-funding-account": "Activate a funding account",
        "close-funding-account": "Close a funding account",
    },
    "Companies, assets, deals and invoices": {
        "register-company": "Register a company",
        "rename-company": "Rename a company",
        "register-asset": "Register an asset",
        "create-deal": "Create a deal",
        "update-deal": "Change the terms of a deal",
        "activate-deal": "Activate a deal",
        "delete-deal": "Delete a deal",
        "originate-product": "Finance an invoice",
    },
}
"""The commands by what they are about, each with its title."""

_TITLES: Final = {name: title for section in SECTIONS.values() for name, title in section.items()}

LABELS: Final[Mapping[str, str]] = {
    "account_uuid": "Funding account",
    "amount": "Amount",
    "asset_uuid": "Asset",
    "companies": "Companies of the deal",
    "company_uuid": "Company",
    "currency": "Currency",
    "daily_late_fee_rate": "Late fee, a fraction of the asset's value for each day",
    "deal_uuid": "Deal",
    "destinations": "To",
    "due_date": "Due date",
    "from_type": "Draw on",
    "from_uuid": "Company or asset",
    "label": "Label",
    "late_fee_payer_role": "Role that pays late fees",
    "name": "Name",
    "obligor_company_uuid": "Company that owes it",
    "position": "What is reversed",
    "principal": "Principal",
    "product_line_id": "Product line",
    "product_uuid": "Invoice",
    "rating_tier": "Rating tier",
    "reason": "Reason",
    "receiver_company_uuid": "Receiver",
    "reference": "Reference",
    "role": "Role",
    "sender_company_uuid": "Sender",
    "sources": "From",
    "to_company_account_uuid": "Funding account",
    "to_company_uuid": "Company",
    "value": "Value",
}
"""The label of each field of a command."""

HINTS: Final[Mapping[str, str]] = {
    "amount": "with a decimal point, such as 1250.00",
    "currency": "three letters, such as USD; if left out, the currency of what the money is for",
    "daily_late_fee_rate": "from 0 to 1, such as 0.001",
    "destinations": "the funding accounts that get the money",
    "due_date": "as 2026-01-31",
    "late_fee_payer_role": "a role that one of the deal's companies plays, such as debtor",
    "obligor_company_uuid": "if left out, the only company in that role",
    "position": "the whole of it is taken back, once",
    "principal": "with a decimal point, such as 1250.00",
    "rating_tier": "for a membership deal only",
    "reason": "kept with the event, for those who ask later",
    "reference": "what the bank or the other side calls it",
    "role": "such as seller, debtor or member",
    "sources": "drawn on in this order, each to its end before the next",
    "value": "with a decimal point, such as 1250.00; a revaluation may be zero",
}
"""What a field takes."""

CHOICES: Final[Mapping[str, Mapping[str, str]]] = {
    "product_line_id": {str(number): name for number, name in PRODUCT_LINES.items()},
}
"""The fields with few values, each value with its name."""

PICKED: Final[Mapping[str, tuple[str, ...]]] = {
    "account_uuid": ("account",),
    "asset_uuid": ("asset",),
    "company_uuid": ("company",),
    "deal_uuid": ("deal",),
    "from_uuid": ("company", "asset"),
    "obligor_company_uuid": ("company",),
    "product_uuid": ("product",),
    "receiver_company_uuid": ("company",),
    "sender_company_uuid": ("company",),
    "to_company_account_uuid": ("account",),
    "to_company_uuid": ("company",),
}
"""The fields that are picked by name, and what each names."""

FOLLOWS: Final[Mapping[str, str]] = {"from_type": "from_uuid", "to_company_uuid": "to_company_account_uuid"}
"""Fields that are not asked for, because what is picked in another field decides them."""

REVERSIBLE: Final[Mapping[str, tuple[str, ...]]] = {
    "reverse-funding": ("CompanyFunded", "AssetFunded"),
    "return-payout": ("FundsPaidOut",),
    "reverse-payment": ("PaymentApplied",),
    "reverse-late-fee": ("LateFeeIncurred",),
    "reverse-waiver": ("LateFeeWaived",),
    "reverse-write-off": ("ProductWrittenOff",),
    "reverse-recovery": ("RecoveryRecorded",),
}
"""The commands that take back an event, and the types of the events."""

REVERSAL_OF: Final = {event_type: name for name, types in REVERSIBLE.items() for event_type in types}
"""The command that takes back an event, by the event's type."""


def title(name: str) -> Title:
    """Return what a command is called; its sentence is the first of the command's docstring."""
    sentence = (COMMANDS[name].__doc__ or "").splitlines()[0]
    return Title(name, _TITLES[name], sentence)
