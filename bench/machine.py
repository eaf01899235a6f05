"""What a figure was measured on: the machine and the versions that matter."""

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

PACKAGES = ("pulumi", "pulumi-aws", "pulumi-command", "boto3", "moto", "click")


def describe(engine: Path | None) -> str:
    """A few lines: processor, cores, memory, system, Python, engine and packages."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    packages = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    return "\n".join(
        (
            f"machine   {_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release()}",
            f"versions  Python {platform.python_version()}, engine {_engine_version(engine)}, {packages}",
        )
    )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _engine_version(engine: Path | None) -> str:
    if engine is None:
        return "missing"
    return subprocess.run([engine / "pulumi", "version"], capture_output=True, text=True, check=True).stdout.strip()
