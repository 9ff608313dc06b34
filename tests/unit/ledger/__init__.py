"""The rules of the ledger, decided on logs in memory."""
