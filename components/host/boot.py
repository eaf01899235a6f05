"""Makes a fresh server or bastion ready: what EC2 runs once as root, as the machine's user data.

The environment puts a line `SETTINGS = '{"project": ...}'` above this text. Standard library only, Python 3.9 or
newer; needs the `aws` command and systemd. Everything here may run again without harm.

It makes the application's user, writes down what the installer must know, lets in the holders of the environment's
deploy keys, and gives the machine the SSH host key that everyone pins. That key comes last: until it is
there, nobody who checks host keys gets in, so whoever gets in finds the machine ready. A bastion has no slots and is
not told what an installer must know.

After that the CloudWatch agent is started where the image has one; that can fail without harm.

With the argument `keys` it only refreshes `authorized_keys`. A timer does that, as the application's user: root must
not write into folders that belong to somebody else.
"""

import json
import os
import pwd
import random
import re
import subprocess
import sys
import time
from pathlib import Path

SETTINGS: str

ATTEMPTS = 8
RETRY_PAUSE = 2.0  # seconds, doubled each time: a new instance's role takes a while to be usable
COMMAND_LIMIT = 120.0

ROOT = Path(os.environ.get("STAGELINE_ROOT", "/"))
SERVER_KEYS = (
    *("project", "environment", "region", "artifact_bucket", "artifact_folder"),
    *("database_parameter", "migration_parameter"),
)
KEY_LINE = re.compile(r"(ssh-|ecdsa-|sk-)[A-Za-z0-9@.-]+ [A-Za-z0-9+/=]+( .*)?")

AGENT = Path("opt/aws/amazon-cloudwatch-agent")
# By the last part of the stream's name. A file that an image does not write is waited for.
LOG_FILES = {
    "boot": "/var/log/cloud-init-output.log",
    "system": "/var/log/messages",
    "logins": "/var/log/secure",
}

# Clients prefer other kinds of host key, and only this kind is pinned. A bastion, and a server that leads to the
# database, must forward connections, whatever the image thinks of that; agents are never needed.
SSHD = """\
AllowAgentForwarding no
AllowTcpForwarding local
HostKeyAlgorithms ssh-ed25519
PasswordAuthentication no
PermitRootLogin no
"""

SERVICE = """\
[Unit]
Description=Refresh the deploy keys of Stageline

[Service]
Type=oneshot
User={user}
Environment=STAGELINE_ROOT={root}
ExecStart=python3 {program} keys
"""

TIMER = """\
[Unit]
Description=Refresh the deploy keys of Stageline every five minutes

[Timer]
OnActiveSec=5min
OnUnitActiveSec=5min

[Install]
WantedBy=timers.target
"""


def main(settings: dict[str, str], arguments: list[str]) -> None:
    if arguments == ["keys"]:
        write_authorized_keys(settings)
    else:
        boot(settings)


def boot(settings: dict[str, str]) -> None:
    make_user(settings["user"])
    if settings.keys() >= set(SERVER_KEYS):
        write_server(settings)
    write_authorized_keys(settings)
    write_refresh(settings["user"], ROOT / settings["program"])
    write_host_key(settings)
    command("systemctl", "restart", "sshd")
    if "server_logs" in settings:
        watch(settings["server_logs"])


def make_user(user: str) -> None:
    """Lingering lets the user's units run without anyone being logged in."""
    if not user_exists(user):
        command("useradd", "--create-home", user)
    make_folder(home(user), user)
    command("loginctl", "enable-linger", user)


def write_server(settings: dict[str, str]) -> None:
    server = {key: settings[key] for key in SERVER_KEYS}
    server["address"] = command("hostname", "-I").split()[0]
    file = home(settings["user"]) / settings["server_file"]
    make_folder(file.parent, settings["user"])
    write(file, json.dumps(server, indent=1) + "\n", 0o600, settings["user"])


def write_authorized_keys(settings: dict[str, str]) -> None:
    """Never with something that holds no key: that would lock everyone out."""
    text = read_secret(settings["authorized_keys_secret"], settings["region"]).strip()
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines or not all(KEY_LINE.fullmatch(line) for line in lines):
        sys.exit("the secret with the authorized keys does not hold keys, one a line: write it again")
    folder = home(settings["user"]) / ".ssh"
    make_folder(folder, settings["user"])
    write(folder / "authorized_keys", "\n".join(lines) + "\n", 0o600, settings["user"])


def write_refresh(user: str, program: Path) -> None:
    """A timer that runs a copy of this very program."""
    write(program, Path(__file__).read_text("utf-8"), 0o755)
    units = ROOT / "etc/systemd/system"
    write(units / "stageline-keys.service", SERVICE.format(user=user, root=ROOT, program=program), 0o644)
    write(units / "stageline-keys.timer", TIMER, 0o644)
    command("systemctl", "daemon-reload")
    command("systemctl", "enable", "--now", "stageline-keys.timer")


def write_host_key(settings: dict[str, str]) -> None:
    key = json.loads(read_secret(settings["host_key_secret"], settings["region"]))
    folder = ROOT / "etc/ssh"
    write(folder / "sshd_config.d/10-stageline.conf", SSHD, 0o644)
    write(folder / "ssh_host_ed25519_key.pub", key["public"].strip() + "\n", 0o644)
    write(folder / "ssh_host_ed25519_key", key["private"].strip() + "\n", 0o600)


def watch(log_group: str) -> None:
    """Have memory, disk and logs told to CloudWatch. Releases run without that as well, so it never stops a boot."""
    control = ROOT / AGENT / "bin/amazon-cloudwatch-agent-ctl"
    if not control.exists():
        print("this image has no CloudWatch agent: nobody is told of full memory, full disks and logs")
        return
    config = ROOT / AGENT / "etc/stageline.json"
    try:
        write(config, json.dumps(agent_config(log_group), indent=1) + "\n", 0o644)
        command(str(control), "-a", "fetch-config", "-m", "ec2", "-s", "-c", f"file:{config}")
    except (OSError, subprocess.SubprocessError) as error:
        print(f"the CloudWatch agent does not run: {error}")


def agent_config(log_group: str) -> dict[str, object]:
    """Alarms know a server by its id alone, so figures are also told with no other dimension."""
    files = [
        {"file_path": path, "log_group_name": log_group, "log_stream_name": f"{{instance_id}}/{name}"}
        for name, path in LOG_FILES.items()
    ]
    return {
        "agent": {"metrics_collection_interval": 60},
        "metrics": {
            "append_dimensions": {"InstanceId": "${aws:InstanceId}"},
            "aggregation_dimensions": [["InstanceId"]],
            "metrics_collected": {
                "mem": {"measurement": ["mem_used_percent"]},
                "disk": {"measurement": ["used_percent"], "resources": ["/"], "drop_device": True},
            },
        },
        "logs": {"logs_collected": {"files": {"collect_list": files}}},
    }


def read_secret(name: str, region: str) -> str:
    arguments = ["secretsmanager", "get-secret-value", "--secret-id", name, "--query", "SecretString"]
    for attempt in range(ATTEMPTS):
        try:
            return command("aws", *arguments, "--output", "text", "--region", region)
        except subprocess.SubprocessError:  # also one that hung: a private server's way out may not be there yet
            time.sleep(RETRY_PAUSE * 2**attempt * random.uniform(0.5, 1.5))
    sys.exit(f"cannot read the secret {name}: check that it exists and that the server's role may read it")


def command(*arguments: str) -> str:
    """What the command answers; its complaints go to the boot log."""
    done = subprocess.run(
        arguments, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=COMMAND_LIMIT
    )
    return done.stdout


def home(user: str) -> Path:
    return ROOT / "home" / user


def user_exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def make_folder(path: Path, owner: str) -> None:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    give(path, owner)


def write(path: Path, text: str, mode: int, owner: str = "") -> None:
    """Replace the file as a whole: whoever reads it sees the old text or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
    give(new, owner)
    new.replace(path)


def give(path: Path, owner: str) -> None:
    if owner and os.getuid() == 0 and user_exists(owner):
        user = pwd.getpwnam(owner)
        os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)


if __name__ == "__main__":
    main(json.loads(SETTINGS), sys.argv[1:])  # noqa: F821 - a line above this text gives it
