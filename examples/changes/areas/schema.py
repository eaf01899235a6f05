"""What this version expects of the database: a table `areas`, whose migration was forgotten."""

from __future__ import annotations

# No migration makes `areas`: the service starts, and /health answers 500.
TABLES = ("projects", "tasks", "areas")

PROJECT_COLUMNS = ("id", "name")

# A task's own columns and what each may hold; the first value is the default.
TASK_CHOICES = {"status": ("ready", "mapping", "done"), "priority": ("normal", "low", "high")}
