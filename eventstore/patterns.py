"""The regular expressions of a uuid, a category and a date; only this module defines them."""

from typing import Final

UUID_PATTERN: Final = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
"""A canonical uuid in lower case; with re.IGNORECASE also one in upper case."""
CATEGORY_PATTERN: Final = r"[a-z][a-z_]*"
"""A category of streams. It has no hyphen, because the category ends at the first hyphen of a stream id."""
DATE_PATTERN: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
"""A date in the extended form of ISO 8601."""
