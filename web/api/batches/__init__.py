"""POST /api/batches: many commands in one request."""
