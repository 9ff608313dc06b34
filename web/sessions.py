"""Django's sessions in the database, which is queried only for well-formed session keys."""

import re
from typing import Final

from django.contrib.sessions.backends import db

_KEY: Final = re.compile(r"[0-9a-z]{8,40}")


class SessionStore(db.SessionStore):
    """Rejects a malformed key without a query: the database could fail at characters that it does not accept."""

    def _validate_session_key(self, key: str | None) -> bool:
        return key is not None and _KEY.fullmatch(key) is not None
