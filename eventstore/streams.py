"""Stream ids: `<category>-<lower-case canonical uuid>`, or a bare category for the streams that are one of a kind."""

import re

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_STREAM_ID = re.compile(rf"[a-z][a-z_]*(-{_UUID})?")


def is_stream_id(text: str) -> bool:
    """Say whether a text is a stream id."""
    return _STREAM_ID.fullmatch(text) is not None
