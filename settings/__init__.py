"""Settings: one stack file becomes one validated value, and the names both sides derive from it.

Read in this order:

- `model.py`      `Settings`, what a stack file may say; every field states what is allowed
- `rules.py`      what must hold between fields, and what a protected environment refuses
- `stackfile.py`  `Project`: its environments, their order and their settings; the only code here that reads files
- `schema.py`     what the models allow as JSON Schema, for editors
- `fingerprint.py` what a stack is made from, in one short text
- `names.py`      `Names`, what `release` must find in an account without asking anyone
- `permissions/`   who may do what, as a function of those names; a tour of its own
- `errors.py`     `InvalidSettings`, one line per bad key

No AWS and no Pulumi in here. This package imports nothing by itself, so that `release --help` pays neither
for pydantic nor for YAML: import `settings.stackfile`, `settings.names` or `settings.errors` where needed.
"""
