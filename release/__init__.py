"""What decides, moves, backs up, restores and records. No resources are declared here.

Read in this order:

- ``cli``            the ``release`` command: how a call ends; each of its verbs is a file in ``verbs/``
- ``call``           one call of it: what each verb is given, and the options that several have
- ``environment``    one environment opened: its settings and every door that leads to it
- ``ledger/``        HEAD, which says what an environment is; the events behind it, in a chain; the lease beside it
- ``artifacts/``     what is stored, the manifest that says what a release is, and the signature that says who said so
- ``deployment/``    gates that must say yes, the plan, the executor that runs it, and what follows a failure
- ``verification/``  health and smoke checks as values, and the watch after the switch
- ``comparison/``    what differs between environments (parity), or from what is declared (drift)
- ``database/``      the application's own login to its database
- ``program``        what the Pulumi program asks: HEAD, and the keys that reach the servers

Doors, one for each outside system: ``aws/`` (boto3), ``engine/`` (the Pulumi command line and its locks), ``servers/``
(SSH), ``verification/probe`` (HTTP), ``artifacts/repository`` (git). What they find wrong is one of ``errors``.
"""
