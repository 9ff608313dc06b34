"""Which line of the trial balance is explained."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID


@dataclass(frozen=True, slots=True)
class AccountChoice:
    """Which line of the trial balance is explained, for which party and which dates; they include both ends."""

    account: str
    currency: str
    party_uuid: UUID | None = None
    first: date | None = None
    last: date | None = None
