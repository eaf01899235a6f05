"""The verbs of the ``release`` command, one module each: a verb reads as its runbook."""
