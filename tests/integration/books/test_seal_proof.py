"""The page of a sealed event names its seal and gives the proof; an event that is not sealed has neither."""

import json

from django.urls import reverse
from pytest_django.fixtures import Settings

from eventstore import store
from tests.integration.books.conftest import Reader
from tests.support.databases import Database
from tests.support.ledger.sealing import days, seal, sealing
from tools import verify_proof


def test_a_sealed_event_has_a_proof_on_its_page(database: Database, reader: Reader, settings: Settings) -> None:
    with sealing(settings):
        days(3)
        seal()
    sealed = store.last_of_type("DaySealed")
    assert sealed is not None
    position = sealed.data.last_position
    address = reverse("books:seal-proof", args=[position])
    assert f'href="{address}"' in reader.text(f"/books/log/{position}")
    answer = reader.get(address)
    assert answer["Content-Disposition"] == f'attachment; filename="proof-{position}.json"'
    proof = json.loads(answer.content)
    assert verify_proof.fault(proof, sealed.data.chain, sealed.data.public_key) is None
    assert "verify_proof.py" not in reader.text(f"/books/log/{sealed.position}")
    for none in (0, 10**24):
        assert reader.get(reverse("books:seal-proof", args=[none])).status_code == 404
    unsealed = reader.get(reverse("books:seal-proof", args=[sealed.position]))
    assert unsealed.status_code == 404
    assert "is not sealed yet" in unsealed.content.decode()
