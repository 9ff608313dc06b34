"""An endpoint of webhooks that does not take its events."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from eventstore.clock import utc_now
from relays.models import Delivery, Endpoint

WEBHOOK: Final = UUID(int=7)


def failing(head: int, uuid: UUID = WEBHOOK) -> UUID:
    """Make an endpoint that has taken the event before the head, and fails at the head."""
    now = utc_now()
    endpoint = Endpoint.objects.create(
        uuid=uuid,
        url="https://hooks.example/daybook",
        description="accounting",
        secret="whsec_c2VjcmV0",
        position=head - 1,
        created_at=now,
        created_by="an operator",
        attempts=2,
        failing_since=now,
        next_try_at=now + timedelta(minutes=1),
    )
    for position, state, result in ((head - 1, "delivered", "answered 204"), (head, "failing", "answered 500")):
        Delivery.objects.create(
            endpoint=endpoint,
            position=position,
            type="CompanyFunded",
            state=state,
            attempts=1,
            last_attempt_at=now,
            last_result=result,
        )
    return uuid
