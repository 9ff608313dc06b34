"""The ticket of a preview: what was shown, signed, so that exactly this is recorded, and once.

# Note [A form records once]
A form gets an id when it is first drawn. The id travels through the preview to the record, and the append keeps it as
its idempotency key. Whatever is sent again with it, by a second click, a reload or the browser's way back, records
nothing more and leads to the same events. The preview adds the version of each stream that it rests on. If one has
moved on, nothing is recorded, and the reader sees a new preview.
"""

from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Final
from uuid import UUID, uuid4  # noqa: TID251 - the edge, where the key of a form begins

from django.core import signing

from eventstore.records import IdempotencyKey
from web.books.acting.submitted import Typed

LIFETIME_S: Final = 86_400
"""How long a preview can be recorded. An idempotency key is kept for at least a day."""
_SALT: Final = "daybook.books.preview"


class InvalidTicket(Exception):
    """The ticket was changed, is too old, or is of another user or command."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A preview that can be recorded: the command's name and fields, the versions, the key and the user."""

    command: str
    values: Typed
    expected: dict[str, int]
    form: str
    user: int

    def sign(self) -> str:
        """Return the ticket as signed text."""
        return signing.dumps(asdict(self), salt=_SALT, compress=True)


def read(text: str, command: str, user: int) -> Ticket:
    """Return the ticket of a user for a command; raises InvalidTicket."""
    try:
        ticket = Ticket(**signing.loads(text, salt=_SALT, max_age=LIFETIME_S))
    except (signing.BadSignature, TypeError) as error:
        raise InvalidTicket from error
    if (ticket.command, ticket.user) != (command, user):
        raise InvalidTicket
    return ticket


def form_id(text: str = "") -> str:
    """Return the id of a form, which is new if none is given. See Note [A form records once]."""
    try:
        return str(UUID(text))
    except ValueError:
        return str(uuid4())


def key_of(command: str, form: str, user: int) -> IdempotencyKey:
    """Return the idempotency key of a form; whatever the form holds, it records once."""
    return IdempotencyKey(f"user {user}:{command}", f"books {form}", sha256(form.encode()).hexdigest())
