"""`python -m bench [NAME...]`: measure all figures or the named ones, and print them with their bounds."""

import sys

from bench.figures import FIGURES, NotMeasured
from bench.machine import describe
from engine.build import find_engine


def main(names: list[str]) -> int:
    """Exit 0 when every bound was kept, 1 when not or when something did not work, 2 for unknown names."""
    unknown = [name for name in names if name not in FIGURES]
    if unknown:
        print(f"bench: there is no figure {', '.join(unknown)}; there are {', '.join(FIGURES)}", file=sys.stderr)
        return 2
    print(describe(find_engine()))
    try:
        return max([_print_figure(name) for name in names or list(FIGURES)])
    except NotMeasured as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1


def _print_figure(name: str) -> int:
    figure = FIGURES[name]()
    print(figure, flush=True)
    return 0 if figure.kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
