"""What is kept, and in which form: the `ledger/` of an environment, and the `artifacts/` with their verdicts."""
