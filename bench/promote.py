"""What carrying a 1 GB artifact into the next environment's bucket costs, against the AWS command line doing it.

Both are processes of their own and copy from bucket to bucket of the same local S3, in turns. The command line copies
as it does by default, in parts of 8 MB; how long it takes when it is told to use one request is shown beside it.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from bench.figure import Figure, NotMeasured
from bench.scratch import scratch_cloud
from local.demo import Cloud
from local.paths import CODE

SIZE = 1_000_000_000
BLOCK = 1_000_000
RUNS = 2
SOURCE, TARGET = "bench-source", "bench-target"
ONE_REQUEST = "[default]\ns3 =\n  multipart_threshold = 5GB\n"


def promote_copy() -> Iterator[Figure]:
    """The copy's bytes through the client, and its time as a part of the command line's."""
    command_line = _genuine_command_line()
    with scratch_cloud([]) as cloud, tempfile.TemporaryDirectory(prefix="stageline-bench-") as folder:
        key, digest = _store_artifact(cloud, Path(folder) / "artifact")
        one_request = Path(folder) / "config"
        one_request.write_text(ONE_REQUEST)
        ours, theirs = [], []
        for _ in range(RUNS):
            seconds, counted = _timed_copy(cloud, key, digest)
            ours.append(seconds)
            theirs.append(_timed_command_line(cloud, command_line, key, {"AWS_CONFIG_FILE": "/dev/null"}))
        once = _timed_command_line(cloud, command_line, key, {"AWS_CONFIG_FILE": str(one_request)})
    yield Figure(
        what="promote's copy of a 1 GB artifact: all that the client moves",
        value=(counted["sent"] + counted["received"]) / 1000,
        unit="kB",
        bound=16,
        detail=f"    requests {counted['sent']} bytes, answers {counted['received']}: headers and XML, and of the "
        f"{SIZE:,} bytes of the artifact none",
    )
    yield Figure(
        what="promote's copy of a 1 GB artifact, in times of aws s3 cp",
        value=median(ours) / median(theirs),
        unit="x",
        bound=0.8,
        detail=f"    release {median(ours):.1f} s, aws s3 cp {median(theirs):.1f} s; "
        f"aws s3 cp when it is told to use one request {once:.1f} s",
    )


def _genuine_command_line() -> str:
    """The AWS command line of this machine; the one of local servers is another."""
    found = shutil.which("aws")
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout if found else ""
    if not found or not said.startswith("aws-cli/"):
        raise NotMeasured("there is no AWS command line on PATH to compare with; install awscli")
    return found


def _store_artifact(cloud: Cloud, path: Path) -> tuple[str, str]:
    """Two buckets, and a file of 1 GB in the first one."""
    digest, block = hashlib.sha256(), hashlib.shake_256(b"stageline").digest(BLOCK)
    with path.open("wb") as file:
        for number in range(SIZE // BLOCK):
            piece = number.to_bytes(8, "big") + block[8:]
            digest.update(piece)
            file.write(piece)
    s3, key = cloud.client("s3"), f"artifacts/{digest.hexdigest()}"
    for bucket in (SOURCE, TARGET):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": cloud.variables["AWS_REGION"]})
    with path.open("rb") as file:
        s3.put_object(Bucket=SOURCE, Key=key, Body=file, ChecksumAlgorithm="SHA256")
    path.unlink()
    return key, digest.hexdigest()


def _timed_copy(cloud: Cloud, key: str, digest: str) -> tuple[float, dict[str, int]]:
    began = time.monotonic()
    said = _run(cloud, {}, sys.executable, "-m", "bench.copying", SOURCE, TARGET, key, digest)
    seconds = time.monotonic() - began
    _take_back(cloud, key)
    counted: dict[str, int] = json.loads(said)
    return seconds, counted


def _timed_command_line(cloud: Cloud, command_line: str, key: str, variables: Mapping[str, str]) -> float:
    began = time.monotonic()
    _run(cloud, variables, command_line, "s3", "cp", "--quiet", f"s3://{SOURCE}/{key}", f"s3://{TARGET}/{key}")
    seconds = time.monotonic() - began
    _take_back(cloud, key)
    return seconds


def _run(cloud: Cloud, variables: Mapping[str, str], *command: str) -> str:
    environment = {**cloud.variables, "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", **variables}
    done = subprocess.run(command, cwd=CODE, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NotMeasured(f"{' '.join(command[:4])} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return done.stdout


def _take_back(cloud: Cloud, key: str) -> None:
    """The copy has to be there, and all of it, or nothing was measured."""
    s3: Any = cloud.client("s3")
    copied = s3.head_object(Bucket=TARGET, Key=key)["ContentLength"]
    if copied != SIZE:
        raise NotMeasured(f"{copied} bytes were copied, not {SIZE}")
    s3.delete_object(Bucket=TARGET, Key=key)
