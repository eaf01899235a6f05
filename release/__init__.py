"""What decides, moves, backs up, restores and records. No resources are declared here.

From the top floor down; nothing reaches up, which import-linter checks:

- ``cli``, ``verbs/``  the ``release`` command: how a call ends; a file for each verb: options, runbook, text
- ``call``             what each verb is given, and the options that several have; ``deployment_text`` shows deployments
- ``environment``      one environment opened: its settings and every door that leads to it; ``project``: all of them
- ``work/``            deployments, verification, upkeep: what is done, under the lease
- ``rules/``           what is decided: plans, gates, what is kept, what differs. Pure
- ``records/``         what is kept: the ledger, with HEAD and the lease; artifacts, with manifests and verdicts
- ``doors/``           one for each outside system: AWS, Pulumi, servers, databases, HTTP, git
- ``process/``         errors, text, progress, signals, canonical JSON and signatures

``program`` is what the Pulumi program asks: HEAD, and the keys that reach the servers.
"""
