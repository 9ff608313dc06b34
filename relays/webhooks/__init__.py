"""Events sent to addresses that others register, signed as Standard Webhooks describes."""
