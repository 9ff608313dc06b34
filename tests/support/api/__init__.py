"""Calls to the API, and the bodies, refusals and story that tests send."""
