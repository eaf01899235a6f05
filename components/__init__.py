"""Components: what an environment consists of, as Pulumi component resources.

`declare` (`environment.py`) is called with settings, slots and keys. It opens a platform, hands what that hands out to
a stage, and each of the two hands sections of the settings to its components, as they are. What comes to be only when
it is made goes along as Pulumi's Inputs. So a new setting is written into `settings/model.py` and read where it is
used. In this order:

- `slots.py`          what each slot holds and which one shall be live: the values that come from the ledger
- `environment.py`    `declare`: the providers, the platform, the stage, the guard
- `platform/`         what an environment has once, whatever runs on it
- `outputs.py`        what a platform hands out: all that a stage knows of it, in this program or in another
- `stage/`            what belongs to the application
- `machine.py`        what every machine is, how it boots and how SSH reaches it
- `groups.py`         security groups and their rules
- `keys.py`           what the policies of KMS keys have in common
- `guard.py`          what makes the destruction of a protected environment fail before anything is gone
- `recording.py`      the whole of it declared without an engine, for tests and for `graph.py`
- `graph.py`          the same as JSON on stdout, for `release parity`, which must not import components
- `host/`             plain files that are put on a server and run there

Components never talk to AWS by themselves. A child is named after its parent (`env-network-vpc`): these names are
a contract, because another name is another resource. They are the same in every environment and short, because a
target group's name has 32 characters at most. Platform and stage are both called `env`, and their types tell them
apart: `stage-servers-1` in prod would be taken for staging's. What `release` must find is named by `settings.names`,
everything else by Pulumi.

The downside: a section is handed over whole, so a signature does not tell which of its keys a component reads.
"""
