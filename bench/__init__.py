"""The figures that are promised, each reproducible by one command: `make bench`, or `python -m bench NAME...`.

`machine` says where they were measured, `figures` measures, `__main__` prints. Every figure has a bound; a figure
over its bound is printed as such and ends the run with exit code 1. Tests never assert a time.
"""
