"""``python -m release``: the same as the ``release`` command."""

from release.cli import main

main()
