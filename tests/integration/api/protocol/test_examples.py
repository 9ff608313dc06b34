"""The examples in the OpenAPI document are what the API really answers."""

import json
import os
from typing import Any

import pytest

from tests.support.api import story
from tests.support.api.calling import Api
from web.api.application import api as the_api
from web.protocol.openapi import EXAMPLES

REWRITE = "DAYBOOK_REWRITE_EXAMPLES"
"""Set, it keeps what is answered as the new examples; they are looked at before they are committed."""


@pytest.fixture
def reported(api: Api) -> dict[str, dict[str, Any]]:
    return story.play(api)


def test_each_is_the_real_answer(reported: dict[str, dict[str, Any]]) -> None:
    if REWRITE in os.environ:
        EXAMPLES.write_text(json.dumps(reported, indent=1) + "\n")
    assert reported == json.loads(EXAMPLES.read_text())


def test_every_operation_has_one() -> None:
    described = {
        operation["operationId"]
        for path_item in the_api.get_openapi_schema()["paths"].values()
        for operation in path_item.values()
    }
    assert {*story.operations(), "follow-events"} == described  # whose example is a text
