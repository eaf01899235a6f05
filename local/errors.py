"""The one error of the local cloud that people see: one line saying what happened, why, and what to do next."""


class CloudError(Exception):
    """Something of the local cloud is broken; its text is the whole message (one line)."""
