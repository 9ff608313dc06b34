"""How a uuid and a date are written, as regular expressions; each is written here and nowhere else."""

from typing import Final

UUID_PATTERN: Final = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
"""A canonical uuid in lower case; with re.IGNORECASE also one in upper case."""
DATE_PATTERN: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
"""A date in the extended form of ISO 8601."""
