"""The door to Pulumi: its command line, and the locks of its backend."""
