"""What is collected for which database."""

import os

# The browser looks at PostgreSQL only; what drives it takes a second to load.
collect_ignore = [] if os.environ["DAYBOOK_TEST_VENDOR"] == "postgresql" else ["books"]
