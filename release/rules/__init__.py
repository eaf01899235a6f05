"""What is decided: values in, an answer out. Nothing here reads a clock, a file or a network.

- `gates`, `going_back`, `ways_on`           may it begin; where a rollback goes; what a person can do now
- `lanes`, `plan`                            the steps of each kind; what each leads to, and what follows a failure
- `artifact_retention`, `snapshot_retention` what is kept, and why
- `graph`, `parity`, `drift`                 what differs: between environments, and from what is declared
"""
