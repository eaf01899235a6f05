"""Where things lie in a server's folder, and the environment that its programs see."""

import re
from dataclasses import dataclass
from pathlib import Path

USER_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
ROOT_VARIABLE = "STAGELINE_ROOT"


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The folder `root` of one server, which its programs take for `/`, and its address."""

    root: Path
    address: str

    @property
    def mark(self) -> str:
        """The line of environment that every process of this server carries."""
        return f"{ROOT_VARIABLE}={self.root}"

    @property
    def programs(self) -> Path:
        return self.root / "usr/local/bin"

    @property
    def host_key(self) -> Path:
        return self.root / "etc/ssh/ssh_host_ed25519_key"

    @property
    def system_units(self) -> Path:
        return self.root / "etc/systemd/system"

    @property
    def user_data(self) -> Path:
        return self.root / "var/lib/cloud/instance/user-data"

    @property
    def boot_log(self) -> Path:
        return self.root / "var/log/cloud-init-output.log"

    @property
    def journal(self) -> Path:
        return self.root / "var/log/journal"

    @property
    def machine(self) -> Path:
        return self.root / "run/machine"

    @property
    def host_name(self) -> str:
        return "ip-" + self.address.replace(".", "-")

    def home(self, user: str) -> Path:
        """The home of `user`. Raises ValueError for a name that could leave the folder."""
        if not USER_NAME.fullmatch(user):
            raise ValueError(f"{user!r} is not a user name; allowed is {USER_NAME.pattern}")
        return self.root / "root" if user == "root" else self.root / "home" / user

    def authorized_keys(self, user: str) -> Path:
        return self.home(user) / ".ssh/authorized_keys"

    def user_units(self, user: str) -> Path:
        return self.home(user) / ".config/systemd/user"

    def lingers(self, user: str) -> bool:
        """Whether the units of `user` start with the server (`loginctl enable-linger`)."""
        return (self.root / "var/lib/systemd/linger" / user).exists()

    def users(self) -> list[str]:
        """Everyone with a home here, root last."""
        homes = sorted(path.name for path in (self.root / "home").iterdir() if path.is_dir())
        return [*homes, "root"]

    def environment(self, user: str) -> dict[str, str]:
        """What a program of `user` sees: nothing of the local cloud's own environment is passed on."""
        return {
            "PATH": f"{self.programs}:/usr/bin:/bin",
            "HOME": str(self.home(user)),
            "USER": user,
            "LOGNAME": user,
            "SHELL": "/bin/sh",
            "LANG": "C.UTF-8",
            "TMPDIR": str(self.root / "tmp"),
            ROOT_VARIABLE: str(self.root),
        }
