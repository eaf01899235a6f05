"""The application's own login to its database."""
