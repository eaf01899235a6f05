"""The ledger of one environment: what happened, what is so now, and who is at work."""
