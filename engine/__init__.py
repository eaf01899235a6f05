"""What a bare machine lacks: the Pulumi engine and the virtual environment. Standard library only.

    pulumi/ language-python/   two Go modules that pin the engine and its Python language host
    build.py    finds an engine that is good enough, or builds those two into the ignored `.engine/bin`
    go.py       the Go toolchain that builds them: from PATH, else from PyPI
    setup.py    `python3 -m engine.setup`: virtual environment, hashed requirements, the project, the engine
    steps.py    runs one part after the other, shows it and its seconds, and skips what is done

Everything here may be interrupted anywhere and run again: a part counts as done only when it is.
"""

import sys

# Written for any Python there is, as this is where an old one has to be told so.
if sys.version_info < (3, 11):  # noqa: UP036 - an old Python has to get here
    here = ".".join(map(str, sys.version_info[:2]))
    sys.exit("Stageline needs Python 3.11 or newer, this is " + here + ": try `make PYTHON=python3.12 setup`")
