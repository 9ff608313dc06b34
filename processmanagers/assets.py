"""The assets of overdue products as of the position of a cycle.

See Note [Late fees are those of the position].
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from eventstore.log.narrow_reads import Fields, NewestFields
from eventstore.store import latest
from ledger.rules.facts import stream_id
from projectors.events.payloads import payload_of

_REGISTERED, _REVALUED = "AssetRegistered", "AssetRevalued"


class AssetTexts(NamedTuple):
    """What a fee needs of an asset, as of the position of a cycle, as it was recorded."""

    value: str
    currency: str
    sender_company_uuid: str
    receiver_company_uuid: str


_FIELDS: Final = NewestFields("of_asset", AssetTexts._fields)


def assets_at(uuids: Iterable[str | None], position: int) -> Mapping[str | None, AssetTexts]:
    """Return the assets that exist as of a position, by at most two reads."""
    streams = {stream_id("asset", uuid): uuid for uuid in uuids if uuid is not None}
    valued = _newest([*streams], (_REGISTERED, _REVALUED), position)
    revalued = [stream for stream, (type_, *_) in valued.items() if type_ == _REVALUED]
    registered = _newest(revalued, (_REGISTERED,), position) if revalued else {}
    assets: dict[str | None, AssetTexts] = {}
    for stream, fields in valued.items():
        registration = registered.get(stream) if fields[0] == _REVALUED else fields
        if registration is not None:
            assets[streams[stream]] = AssetTexts._make([*fields[1:3], *registration[3:]])
    return assets


def _newest(streams: Sequence[str], types: Sequence[str], position: int) -> Mapping[str, Fields]:
    found = _FIELDS.of_streams(streams, types, position)
    if found is not None:
        return found
    events = {stream: (event.type, payload_of(event)) for stream, event in latest(streams, types, position).items()}
    names = AssetTexts._fields
    return {stream: (type_, *map(payload.get, names)) for stream, (type_, payload) in events.items()}
