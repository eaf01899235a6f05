"""Servers as they are reached by SSH, and what they say of themselves."""
