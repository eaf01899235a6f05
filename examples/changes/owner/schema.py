"""What this version expects of the database: a column `owner`, whose migration was forgotten."""

from __future__ import annotations

# Each table must be readable for the service to call itself healthy.
TABLES = ("projects", "tasks")

# No migration makes `owner`: every table is readable, so /health answers 200, and the API answers 500.
PROJECT_COLUMNS = ("id", "name", "owner")

# A task's own columns and what each may hold; the first value is the default.
TASK_CHOICES = {"status": ("ready", "mapping", "done"), "priority": ("normal", "low", "high")}
