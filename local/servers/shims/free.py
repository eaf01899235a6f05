"""A server's `free`: the memory of its instance type, and what its processes use, in KiB or with -b, -m, -g.

Standard library only. Without swap, buffers and cache: the machine that all servers share has those.
"""

# Importing pathlib takes longer than all the rest.
# ruff: noqa: PTH123, PTH208

import os
import sys

UNITS = {"-b": 1, "-k": 1 << 10, "-m": 1 << 20, "-g": 1 << 30}


def main() -> int:
    unit = UNITS.get(sys.argv[1] if len(sys.argv) > 1 else "-k")
    if unit is None:
        sys.stderr.write(f"free: known on a local server are {', '.join(UNITS)}\n")
        return 1
    root = os.environ["STAGELINE_ROOT"]
    with open(f"{root}/run/machine") as machine:
        total = int(machine.read().split()[1]) << 20
    used = sum(resident(pid) for pid in os.listdir("/proc") if pid.isdigit() and belongs(pid, root))
    heads = ("total", "used", "free", "shared", "buff/cache", "available")
    numbers = (total, used, max(0, total - used), 0, 0, max(0, total - used))
    sys.stdout.write(row("", *heads) + row("Mem:", *(number // unit for number in numbers)) + row("Swap:", 0, 0, 0))
    return 0


def row(head: str, *cells: object) -> str:
    return f"{head:<6}" + "".join(f"{cell:>14}" for cell in cells) + "\n"


def belongs(pid: str, root: str) -> bool:
    try:
        with open(f"/proc/{pid}/environ", "rb") as variables:
            return f"STAGELINE_ROOT={root}".encode() in variables.read().split(b"\0")
    except OSError:
        return False


def resident(pid: str) -> int:
    try:
        with open(f"/proc/{pid}/statm") as pages:
            return int(pages.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


if __name__ == "__main__":
    sys.exit(main())
