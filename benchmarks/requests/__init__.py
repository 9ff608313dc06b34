"""What a request costs in the process that answers it."""
