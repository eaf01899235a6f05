"""Artifacts and releases: what is stored, what it says of itself, and who signed that."""
