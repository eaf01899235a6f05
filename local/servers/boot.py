"""What happens once in a server's life: its disk is laid out, and its user data runs; and what each start needs."""

import subprocess
from pathlib import Path

import asyncssh

from local.servers.disk import Disk
from local.servers.layout import Layout
from local.servers.machine import Machine

FOLDERS = ("etc/ssh", "etc/systemd/system", "home", "root", "tmp", "usr/local/bin", "var/lib/systemd/linger")


def lay_out(layout: Layout, programs: Path) -> None:
    """Make what is missing of the server's folder, with links to the programs there."""
    for folder in (*FOLDERS, layout.user_data.parent, layout.journal):
        (layout.root / folder).mkdir(parents=True, exist_ok=True)
    for program in programs.iterdir():
        link = layout.programs / program.name
        link.unlink(missing_ok=True)
        link.symlink_to(program)


def tell_itself(layout: Layout, machine: Machine) -> None:
    """What a server learns of itself at each start: its address, its name, its size."""
    (layout.root / "etc/hosts").write_text(f"{layout.address} {layout.host_name}\n")
    (layout.root / "etc/hostname").write_text(f"{layout.host_name}\n")
    machine.write_to(layout.machine)


def run_user_data(layout: Layout, disk: Disk) -> int:
    """Run it as cloud-init does: as root, once, its output in a log. 0 when there is none."""
    interpreter = _interpreter(layout.user_data)
    if interpreter is None:
        return 0
    with layout.boot_log.open("ab") as log:
        return subprocess.run(
            disk.started_on([*interpreter, str(layout.user_data)]),
            env=layout.environment("root"),
            cwd=layout.root,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            check=False,
        ).returncode


def ensure_host_key(path: Path) -> None:
    """What a machine image does when nobody brings a key."""
    if path.exists():
        return
    key = asyncssh.generate_private_key("ssh-ed25519")
    path.touch(mode=0o600)
    key.write_private_key(str(path))
    key.write_public_key(f"{path}.pub")


def _interpreter(user_data: Path) -> list[str] | None:
    """The words after `#!`: the file is not run itself, as another thread's fork may hold it open for writing."""
    with user_data.open() as lines:
        first = lines.readline()
    return first[2:].split() if first.startswith("#!") else None
