"""The refusals, by what they are about; ledger.errors is the door to all of them."""
