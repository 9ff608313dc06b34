"""The endpoints of webhooks, over HTTP."""
