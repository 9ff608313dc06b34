"""The refusals: one class for each rule, with its figures as attributes, a stable slug, a sentence and a remedy.

Refusal
├── NotAcceptable             a field is wrong by itself
│   ├── InvalidAmount
│   ├── InvalidRate
│   ├── InvalidDate
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
├── Conflicting               it was done before and is not done twice
│   ├── AlreadyExists
│   ├── AlreadyActive
│   ├── AlreadyClosed
│   └── AlreadyReversed
└── AgainstTheRules           the ledger's state does not allow it
    ├── CurrencyMismatch, InsufficientFunds, BalanceTooLarge
    ├── SenderIsReceiver
    ├── AccountNotActive, AccountIsClosed, AccountNotEmpty, AccountOfAnotherCompany
    ├── DealWithoutCompanies, CompanyTwiceInRole, MembershipCompanyCount, RatingTierRequired, RatingTierNotAllowed
    ├── ProductLineFixed, DealIsDeleted, DealNotActive, MembershipWithoutProducts
    ├── PrincipalExceedsValue, AssetAlreadyFinanced, RoleNotPlayed, ObligorNotInDeal, ObligorRequired
    ├── PaymentExceedsOutstanding, WaiverExceedsFees, ProductIsWrittenOff, NothingOwed
    ├── FeeNotOutstanding, ProductNotWrittenOff, RecoveryExceedsWriteOff
    ├── NoSources, SourceTwice, SourceWithoutBalance, NoDestinations, ProductNotOpen, CompanyNotInDeal
    └── DateNotCycled, PositionBeyondHead, TooManyMissingDates
"""
