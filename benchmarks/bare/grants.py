"""A grant as rows of Django's ORM: the same rule and the same body, locked with select_for_update, no event store."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.http import HttpRequest, JsonResponse
from ninja import NinjaAPI

from benchmarks.bare.models import FundingAccount, GrantLine, Holder, Key, PlainGrant
from web.api.commands import body_schema, idempotency_key
from web.protocol.authentication import actor

GrantBody: Any = body_schema("grant-balances")


class Refused(Exception):
    """A rule is broken."""


def add_to(api: NinjaAPI) -> None:
    """Serve POST /bare/grants."""

    @api.post("/grants")
    def grant(request: HttpRequest, body: GrantBody) -> JsonResponse:
        return JsonResponse(_grant(request, body), status=201)


def _grant(request: HttpRequest, body: Any) -> dict[str, Any]:
    key = idempotency_key("grant-balances", request.headers["Idempotency-Key"], request, body)
    with transaction.atomic():
        known = Key.objects.filter(scope=key.scope, key=key.key).first()
        if known is not None:
            if known.fingerprint != key.fingerprint:
                raise Refused("the key was used for something else")
            answer: dict[str, Any] = known.answer
            return answer
        answer = _move(body, actor(request))
        Key.objects.create(scope=key.scope, key=key.key, fingerprint=key.fingerprint, answer=answer)
    return answer


def _move(body: Any, who: str) -> dict[str, Any]:
    uuids = sorted(source.from_uuid for source in body.sources)
    holders = list(Holder.objects.select_for_update().filter(uuid__in=uuids).order_by("uuid"))
    into = {destination.to_company_account_uuid: destination.amount for destination in body.destinations}
    accounts = list(FundingAccount.objects.select_for_update().filter(uuid__in=into).order_by("uuid"))
    total = sum(into.values(), Decimal(0))
    if len(holders) != len(uuids) or len(accounts) != len(into) or not all(one.is_active for one in accounts):
        raise Refused("a company or an account is unknown or not active")
    if total > sum((holder.balance for holder in holders), Decimal(0)):
        raise Refused("the companies hold less than that")
    grant = PlainGrant.objects.create(
        uuid=body.grant_uuid or uuid4(),
        reference=body.reference,
        total=total,
        currency=holders[0].currency,
        actor=who,
    )
    lines, left = [], total
    for holder in holders:
        taken = min(left, holder.balance)
        left -= taken
        holder.balance -= taken
        holder.save(update_fields=["balance"])
        lines.append(GrantLine(grant=grant, party=holder.uuid, amount=-taken))
    for account in accounts:
        account.balance += into[account.uuid]
        account.save(update_fields=["balance"])
        lines.append(GrantLine(grant=grant, party=account.uuid, amount=into[account.uuid]))
    GrantLine.objects.bulk_create(lines)
    return {"grant_uuid": str(grant.uuid), "total": str(total), "currency": grant.currency}
