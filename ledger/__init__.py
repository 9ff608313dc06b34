"""The rules of receivables finance, and the service layer that applies them."""
