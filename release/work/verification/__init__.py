"""Is a release good: before the switch, and for a while after it."""
