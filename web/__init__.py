"""Everything HTTP: the API; and the edge: log-in, tokens, limits, security headers, request log, metrics, probes."""
