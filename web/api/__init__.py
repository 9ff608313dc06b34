"""The endpoints under /api/."""
