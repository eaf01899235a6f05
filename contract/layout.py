"""Where things lie on a server: paths from the home of the application's user, the same for SFTP and for commands."""

HOME = "stageline"

INSTALLER = f"{HOME}/slot.py"

SERVER = f"{HOME}/server.json"
"""What a server was told about itself when it booted, as a JSON object."""

SLOTS = f"{HOME}/slots"
"""A folder for each slot; what an install prepares or puts aside lies beside it, under names that begin with a dot."""

LABEL = "slot.json"
"""In a slot's folder: what the slot holds. A slot without it is empty."""

LOGS = f"{HOME}/log"
