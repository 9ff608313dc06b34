"""PostgreSQL through libpq itself, for the statements of each request: psycopg's cursors cost as much as these."""
