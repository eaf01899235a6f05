"""What this version expects of the database: what changes from version to version stands here alone."""

from __future__ import annotations

# Each table must be readable for the service to call itself healthy.
TABLES = ("projects", "tasks")

PROJECT_COLUMNS = ("id", "name")

# A task's own columns and what each may hold; the first value is the default.
TASK_CHOICES = {"status": ("ready", "mapping", "done")}
