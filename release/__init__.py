"""What decides, moves, backs up, restores and records. No resources are declared here.

Read in this order:

- ``cli``            the verbs of the ``release`` command; each one is a runbook in ``verbs/``
- ``head``           HEAD, the one item that says what an environment is: what the slots hold, what is live
- ``event``          an entry of the ledger and the chain that makes cuts and edits visible
- ``ledger``         append-only history and HEAD in one transaction, with the lease beside them
- ``manifest``       what a release is; ``signature`` proves who said so; ``archive`` looks into an artifact
- ``gates``          the questions that must be answered yes before a deployment
- ``plan``           which steps a deployment has; ``executor`` runs and records them, ``steps`` do the work
- ``maintenance``    work that is no deployment, under the same lease: a server replaced, a key rotated
- ``verification``   smoke checks and health, judged as values
- ``environment``    one environment opened: its settings and every door that leads to it

Doors, one for each outside system: ``aws/`` (boto3), ``stack`` (the Pulumi command line), ``probe`` (HTTP).
"""
