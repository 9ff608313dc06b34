"""A large answer is sent compressed to a client that accepts it."""

import gzip
import json
from typing import Any

import pytest
from django.test import Client

from tests.support.api.calling import Api

pytestmark = pytest.mark.one_database


def get(api: Api, path: str, accepted: str) -> Any:
    headers = {"Authorization": f"Bearer {api.token}", "Accept-Encoding": accepted}
    return Client(raise_request_exception=False).get(path, headers=headers)


def test_a_large_answer_is_compressed_if_the_request_accepts_it(reader: Api) -> None:
    plain, packed = get(reader, "/api/events?limit=100", "identity"), get(reader, "/api/events?limit=100", "gzip")
    assert packed["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed["Vary"]
    assert json.loads(gzip.decompress(packed.content)) == plain.json()
    assert len(packed.content) < len(plain.content) / 2
    assert "Content-Encoding" not in plain.headers


def test_a_short_answer_and_a_stream_are_sent_as_they_are(reader: Api) -> None:
    assert "Content-Encoding" not in get(reader, "/api/business-date", "gzip").headers
    stream = get(reader, "/api/events/stream", "gzip")
    assert "Content-Encoding" not in stream.headers
    stream.close()
