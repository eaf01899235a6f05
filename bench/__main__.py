"""`python -m bench [NAME...]`: measure all figures or the named ones, and print them with their bounds."""

import os
import sys
from contextlib import redirect_stdout

# Clouds of their own are measured: beside a profile that is not there moto could not even be imported.
for variable in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[variable]

from bench.figure import NotMeasured
from bench.figures import FIGURES
from bench.machine import describe
from engine.build import find_engine
from local.story import NotTrue


def main(names: list[str]) -> int:
    """Exit 0 when every bound was kept, 1 when not or when something did not work, 2 for unknown names."""
    unknown = [name for name in names if name not in FIGURES]
    if unknown:
        print(f"bench: there is no figure {', '.join(unknown)}; there are {', '.join(FIGURES)}", file=sys.stderr)
        return 2
    print(describe(find_engine()))
    return max([_print_figures(name) for name in names or list(FIGURES)])


def _print_figures(name: str) -> int:
    """One that cannot be measured does not keep the others from being measured."""
    kept, out = True, sys.stdout
    try:
        with redirect_stdout(sys.stderr):  # what a measured command shows
            for figure in FIGURES[name]():
                print(figure, file=out, flush=True)
                kept = kept and figure.kept
    except (NotMeasured, NotTrue) as error:
        print(f"bench: {name}: {error}", file=sys.stderr)
        return 1
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
