"""Loads the SDKs before any test: on import they warn about modules of their own, and warnings are errors here."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import components.environment  # noqa: F401 - for what it does on import
