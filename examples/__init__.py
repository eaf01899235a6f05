"""The application that the demo deploys, in several versions, one of them good only at looking healthy.

fieldmap/     a small web service of our own: projects and tasks in PostgreSQL, a JSON API, one page
changes/      what later versions change: a folder per change, laid over `fieldmap/`
versions.py   which version is made of which changes, and what is wrong with it
page/         one page without a database, for demos: `tar -czf page.tar.gz -C examples/page .`
build.py      `python -m examples.build OUT_DIR [VERSION...]` writes the artifacts, always the same bytes
"""
