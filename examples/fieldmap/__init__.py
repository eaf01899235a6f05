"""Fieldmap: who maps which field. Projects hold tasks; a task is ready, being mapped, or done.

    server.py      HTTP in and out: bytes, headers, signals; one line is logged per start
    routes.py      method and path -> answer; every refusal is JSON with one line
    projects.py tasks.py   the two things it knows, as rows of PostgreSQL
    schema.py      which columns and choices this version has: what later versions change
    page.py        the HTML page at /, everything escaped
    health.py      what /health answers
    database.py    a small pool of connections that survives a restart of the database
    migrations.py migrations/   what `bin/migrate` applies, once each; they only ever add
    bin/           start and migrate, as the artifact's contract wants them

Runs on Python 3.9 or newer, with only pg8000 (vendored by the build) beside the standard library.
"""
