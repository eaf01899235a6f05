"""Artifacts and releases: what is stored, what it says of itself, and who signed that.

- `archive`, `build`, `provenance`, `smoke`  what is read of an artifact and its tag by publishing
- `schema`, `manifest`                       what a release says of itself, also of its database, in signed form
- `releases`                                 publish, find, take over from another environment, and the signed verdicts
"""
