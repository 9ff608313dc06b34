"""Machine clients: each is an OAuth application and a user that has exactly the permissions that were granted."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from oauth2_provider.generators import generate_client_id, generate_client_secret
from oauth2_provider.models import AbstractApplication, get_access_token_model, get_application_model, set_token_value
from oauthlib.common import generate_token

from eventstore.clock import utc_now
from eventstore.consumers.registry import consumers
from ledger.names import VIEW
from ledger.user_names import of_the_name

RESERVED: Final = frozenset({"daily_cycle", "import_receivables"})
"""Actors of the ledger's own management commands; the names of process managers are reserved too."""


class NameTaken(Exception):
    """A client, a person or the ledger itself already has the name; two actors cannot share one."""

    def __init__(self, name: str, *, by_client: bool = False) -> None:
        other = ", or give the existing client a new secret with --new-secret" if by_client else ""
        rule = "the actor of an event must be unique"
        super().__init__(f"the name {name!r} is taken, and {rule}. Choose another name{other}.")


class UnknownClient(Exception):
    """There is no client of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no client {name!r}; without --new-secret it is created")


class Client(NamedTuple):
    """A new client; its secret is kept only as a hash."""

    client_id: str
    client_secret: str
    application: AbstractApplication


def is_reserved(name: str) -> bool:
    """Say whether the ledger itself records under a name; upper and lower case do not matter."""
    return name.lower() in RESERVED or name.lower() in consumers.names


def create(name: str, permissions: Iterable[str]) -> Client:
    """Make a client that may read and has the named permissions, such as `ledger.grant_balances`; raises NameTaken."""
    model = get_application_model()
    machines = _clients_named(name)
    if is_reserved(name) or machines.exists() or of_the_name(User.objects.all(), name).exists():
        raise NameTaken(name, by_client=machines.exists())
    secret = generate_client_secret()
    try:
        with transaction.atomic():
            user = User.objects.create_user(name)
            wanted = [full.removeprefix("ledger.") for full in (VIEW, *permissions)]
            user.user_permissions.set(Permission.objects.filter(content_type__app_label="ledger", codename__in=wanted))
            application = model.objects.create(
                name=name,
                user=user,
                client_id=generate_client_id(),
                client_secret=secret,
                client_type=model.CLIENT_CONFIDENTIAL,
                authorization_grant_type=model.GRANT_CLIENT_CREDENTIALS,
            )
    except (IntegrityError, ValidationError) as error:
        raise NameTaken(name) from error
    return Client(application.client_id, secret, application)


def _clients_named(name: str) -> QuerySet[Any]:
    """Return the client of a name, in any case."""
    users = of_the_name(User.objects.all(), name)
    found: QuerySet[Any] = get_application_model().objects.filter(Q(name__iexact=name) | Q(user__in=users))
    return found


def renew_secret(name: str) -> Client:
    """Give the client of this name a new secret, and return it; its tokens stay. Raises UnknownClient."""
    application = _clients_named(name).first()
    if application is None:
        raise UnknownClient(name)
    secret = application.client_secret = generate_client_secret()
    application.save()
    return Client(application.client_id, secret, application)


def token(client: Client) -> str:
    """Return a new bearer token of the client, as POST /o/token/ does: only its hash is stored, and it expires."""
    text: str = generate_token()
    expires = utc_now() + timedelta(seconds=settings.API_TOKEN_LIFETIME_S)
    made = get_access_token_model()(application=client.application, expires=expires, scope="ledger")
    set_token_value(made, text)
    made.save()
    return text
