"""What the forms say: the title of each command, the labels of its fields, and what each field takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ledger.rules.aggregates.deal import PRODUCT_LINES


@dataclass(frozen=True, slots=True)
class Title:
    """What a command is called on its form and in lists, and what it does in one sentence."""

    name: str
    title: str
    about: str


SECTIONS: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "Money": {
        "grant-balances": (
            "Grant balances",
            "Draws on balances of companies and assets, and credits funding accounts.",
        ),
        "fund-company": ("Fund a company", "Adds money from outside to a company's balance."),
        "fund-asset": ("Record cash collected on an asset", "Adds cash that came in on an asset to its balance."),
        "pay-out-funds": ("Pay out of a funding account", "Money leaves the ledger from a funding account."),
        "apply-payment": ("Apply a payment", "Pays an invoice: its principal first, then its late fees."),
        "waive-late-fee": ("Waive late fees", "Forgives late fees that an invoice owes."),
        "write-off-product": ("Write off what an invoice owes", "Gives up the principal and fees that are still owed."),
        "record-recovery": ("Record a recovery", "Money came in after all for an invoice that was written off."),
    },
    "Corrections": {
        "reverse-funding": ("Reverse a receipt", "Takes back money that was added to a company or an asset."),
        "return-payout": (
            "Return a payout",
            "A payout came back; if its account is closed, the company gets the money.",
        ),
        "reverse-payment": ("Reverse a payment", "Takes back a payment: what it paid is owed again."),
        "reverse-late-fee": ("Reverse a late fee", "Takes back a late fee that was charged in error."),
        "reverse-waiver": ("Reverse a waiver", "Takes back a waiver: the fees are owed again."),
        "reverse-write-off": ("Reverse a write-off", "Takes back a write-off: what it gave up is owed again."),
        "reverse-recovery": ("Reverse a recovery", "Takes back a recovery that was recorded in error."),
        "revalue-asset": (
            "Revalue an asset",
            "Records what an asset is worth now; also corrects its first currency while no money has it.",
        ),
    },
    "Funding accounts": {
        "open-funding-account": ("Open a funding account", "Opens an account of a company; it is pending at first."),
        "activate-funding-account": ("Activate a funding account", "Lets a pending account be credited."),
        "close-funding-account": ("Close a funding account", "Closes an empty account for good."),
    },
    "Companies, assets, deals and invoices": {
        "register-company": ("Register a company", "Adds a company to the ledger."),
        "rename-company": ("Rename a company", "Gives a company another name from here on."),
        "register-asset": ("Register an asset", "Adds a receivable that one company sends to another."),
        "create-deal": ("Create a deal", "Says which companies play which roles under a product line."),
        "update-deal": ("Change the terms of a deal", "Replaces all its terms; it must then be activated again."),
        "activate-deal": ("Activate a deal", "Lets invoices be financed under a deal."),
        "delete-deal": ("Delete a deal", "Ends a deal; its invoices stay as they are."),
        "originate-product": ("Finance an invoice", "A company owes a principal under a deal from here on."),
    },
}
"""The commands by what they are about, each with its title and what it does."""

_TITLES: Final = {name: texts for section in SECTIONS.values() for name, texts in section.items()}

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

SEARCHED_BY: Final[Mapping[str, str]] = {
    "account": "the name of its company, or its uuid",
    "asset": "reference or uuid",
    "company": "name or uuid",
    "deal": "the name of one of its companies, or its uuid",
    "product": "reference or uuid",
}
"""What is typed to find something, by what it is."""

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
    """Return what a command is called and what it does."""
    return Title(name, *_TITLES[name])
