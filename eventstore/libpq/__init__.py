"""The statements of each request, sent through libpq itself: a cursor of psycopg costs as much as the statement."""
