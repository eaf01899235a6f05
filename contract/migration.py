"""What the parameter of migrations holds: the deployment that may run its release's bin/migrate, or none."""

NO_MIGRATION = "none"
