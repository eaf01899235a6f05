"""Which kind of CPU a type of server has: what is built for another one cannot run there."""

import re

ARM = re.compile(r"a1|[a-z]+\d+[a-z]*g[a-z]*")  # Graviton: t4g, m7gd, c7gn, is4gen


def machine_of(instance_type: str) -> str:
    """x86_64 or arm64, by AWS's own naming of types."""
    return "arm64" if ARM.fullmatch(instance_type.partition(".")[0]) else "x86_64"
