"""The two forms of a report on a past date."""

from enum import StrEnum


class Known(StrEnum):
    """How a report on a past date is known.

    `then`: only what had been recorded when the date ended, or began if the report is of its beginning. `now`:
    everything recorded by now, by the date that it counts for.
    """

    NOW = "now"
    THEN = "then"
