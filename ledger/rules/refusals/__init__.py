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
