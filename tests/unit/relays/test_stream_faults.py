"""Which answers of JetStream mean that a call is made again, and which stop the relay."""

import pytest
from nats.js.errors import APIError

from eventstore.errors import ReceiverAway
from relays.jetstream.stream import Stream, WrongLastSequence


@pytest.mark.parametrize(
    ("code", "err_code", "meaning"),
    [
        (400, 10071, WrongLastSequence),
        (409, 10158, WrongLastSequence),  # a killed relay has sent the message, and the nodes still store it
        (400, 10164, WrongLastSequence),
        (503, 10077, ReceiverAway),
        (400, 10054, APIError),
    ],
)
def test_an_answer_of_the_server(code: int, err_code: int, meaning: type[Exception]) -> None:
    async def answer() -> None:
        raise APIError(code=code, err_code=err_code, description="as the server says it")

    stream = Stream([], "events", 1)
    try:
        with pytest.raises(meaning):
            stream._run(answer())
    finally:
        stream.close()
