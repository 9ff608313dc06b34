"""Why a command was refused: one class per rule, the figures as attributes, a stable slug, one sentence.

Refusal
├── NotAcceptable             a field is wrong by itself
│   ├── InvalidAmount
│   ├── InvalidRate
│   ├── InvalidText
│   ├── UnknownCurrency
│   ├── CurrencyRequired
│   ├── UnknownProductLine
│   ├── UnknownFromType
│   ├── OneTargetRequired
│   └── InvalidInput
├── NotThere                  what a command names does not exist
│   ├── UnknownCompany
│   ├── UnknownAsset
│   ├── UnknownAccount
│   ├── UnknownDeal
│   ├── UnknownProduct
│   └── NothingToReverse
├── Conflicting               it has been done, and is not done twice
│   ├── AlreadyExists
│   ├── AlreadyActive
│   └── AlreadyReversed
└── AgainstTheRules           the ledger's state does not allow it
    ├── CurrencyMismatch, InsufficientFunds, BalanceTooLarge
    ├── SenderIsReceiver
    ├── AccountNotActive, AccountIsClosed, AccountNotEmpty, AccountOfAnotherCompany
    ├── DealWithoutCompanies, CompanyTwiceInRole, MembershipCompanyCount, RatingTierRequired, RatingTierNotAllowed
    ├── ProductLineFixed, DealIsDeleted, DealNotActive
    ├── PrincipalExceedsValue, AssetAlreadyFinanced, RoleNotPlayed, ObligorNotInDeal, ObligorRequired
    ├── PaymentExceedsOutstanding, WaiverExceedsFees, ProductIsWrittenOff, NothingOwed
    ├── NoSources, SourceTwice, SourceWithoutBalance, NoDestinations
    └── DateNotCycled, PositionBeyondHead, TooManyMissingDates
"""

from ledger.refusals.balances import (
    AccountIsClosed,
    AccountNotActive,
    AccountNotEmpty,
    AccountOfAnotherCompany,
    BalanceTooLarge,
    CurrencyMismatch,
    InsufficientFunds,
    NoDestinations,
    NoSources,
    SenderIsReceiver,
    SourceTwice,
    SourceWithoutBalance,
)
from ledger.refusals.base import (
    AgainstTheRules,
    Conflicting,
    NotAcceptable,
    NotThere,
    Refusal,
)
from ledger.refusals.dates import DateNotCycled, PositionBeyondHead, TooManyMissingDates
from ledger.refusals.existence import (
    AlreadyActive,
    AlreadyExists,
    AlreadyReversed,
    NothingToReverse,
    UnknownAccount,
    UnknownAsset,
    UnknownCompany,
    UnknownDeal,
    UnknownProduct,
)
from ledger.refusals.fields import (
    CurrencyRequired,
    InvalidAmount,
    InvalidRate,
    InvalidText,
    OneTargetRequired,
    UnknownCurrency,
    UnknownFromType,
    UnknownProductLine,
)
from ledger.refusals.inputs import InvalidInput
from ledger.refusals.products import (
    AssetAlreadyFinanced,
    CompanyTwiceInRole,
    DealIsDeleted,
    DealNotActive,
    DealWithoutCompanies,
    MembershipCompanyCount,
    NothingOwed,
    ObligorNotInDeal,
    ObligorRequired,
    PaymentExceedsOutstanding,
    PrincipalExceedsValue,
    ProductIsWrittenOff,
    ProductLineFixed,
    RatingTierNotAllowed,
    RatingTierRequired,
    RoleNotPlayed,
    WaiverExceedsFees,
)

__all__ = [
    "AccountIsClosed",
    "AccountNotActive",
    "AccountNotEmpty",
    "AccountOfAnotherCompany",
    "AgainstTheRules",
    "AlreadyActive",
    "AlreadyExists",
    "AlreadyReversed",
    "AssetAlreadyFinanced",
    "BalanceTooLarge",
    "CompanyTwiceInRole",
    "Conflicting",
    "CurrencyMismatch",
    "CurrencyRequired",
    "DateNotCycled",
    "DealIsDeleted",
    "DealNotActive",
    "DealWithoutCompanies",
    "InsufficientFunds",
    "InvalidAmount",
    "InvalidInput",
    "InvalidRate",
    "InvalidText",
    "MembershipCompanyCount",
    "NoDestinations",
    "NoSources",
    "NotAcceptable",
    "NotThere",
    "NothingOwed",
    "NothingToReverse",
    "ObligorNotInDeal",
    "ObligorRequired",
    "OneTargetRequired",
    "PaymentExceedsOutstanding",
    "PositionBeyondHead",
    "PrincipalExceedsValue",
    "ProductIsWrittenOff",
    "ProductLineFixed",
    "RatingTierNotAllowed",
    "RatingTierRequired",
    "Refusal",
    "RoleNotPlayed",
    "SenderIsReceiver",
    "SourceTwice",
    "SourceWithoutBalance",
    "TooManyMissingDates",
    "UnknownAccount",
    "UnknownAsset",
    "UnknownCompany",
    "UnknownCurrency",
    "UnknownDeal",
    "UnknownFromType",
    "UnknownProduct",
    "UnknownProductLine",
    "WaiverExceedsFees",
]
