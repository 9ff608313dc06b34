"""Forms of commands as a person fills them in, without a browser."""

import re
from html import unescape
from typing import Any

from django.contrib.auth.models import Group, User

from tests.integration.books.conftest import Reader
from web.api.commands import UUID_FIELDS


def member(group: str) -> Reader:
    """Return a new user of a group, named like it."""
    user = User.objects.create_user(group)
    user.groups.add(Group.objects.get(name=group))
    return Reader(user)


def typed(name: str, body: dict[str, Any]) -> dict[str, str]:
    """Return the body of an API command as the fields of its form."""
    return dict(_flat({key: value for key, value in body.items() if key != UUID_FIELDS.get(name)}, ""))


def _flat(value: Any, name: str) -> list[tuple[str, str]]:
    match value:
        case dict():
            parts = [_flat(part, f"{name}-{key}".strip("-")) for key, part in value.items()]
            return [pair for pairs in parts for pair in pairs]
        case list():
            return [pair for index, part in enumerate(value) for pair in _flat(part, f"{name}-{index}")]
        case None:
            return []
        case _:
            return [(name, str(value))]


def hidden(page: str, name: str) -> str:
    """Return the value of a hidden field of a page."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, page
    return unescape(found[1])


class Form:
    """The form of one command in somebody's browser."""

    def __init__(self, reader: Reader, name: str) -> None:
        self.reader, self.path = reader, f"/books/do/{name}"
        self.id = hidden(reader.text(self.path), "form")

    def preview(self, fields: dict[str, str]) -> str:
        """Ask for the preview, and return the page."""
        response = self.reader.post(self.path, step="preview", form=self.id, **fields)
        assert response.status_code == 200, response.content.decode()
        return unescape(response.content.decode())

    def record(self, preview: str) -> Any:
        """Record what a preview shows."""
        return self.reader.post(self.path, step="record", ticket=hidden(preview, "ticket"))
