"""The cluster that all others are copies of: `initdb` takes longer than everything else."""

import secrets
import shutil
from pathlib import Path
from threading import Lock

from local.postgres import ACCESS, SETTINGS, Programs, make_template


class Template:
    """The cluster that all others are copies of. It and its administrator's password are kept in `cache`."""

    def __init__(self, cache: Path, programs: Programs) -> None:
        self._cluster = cache / "postgres" / "template"
        self._password = cache / "postgres" / "admin-password"
        self._programs = programs
        self._lock = Lock()

    def folder(self) -> Path:
        with self._lock:
            if not self._is_made():
                self._make()
        return self._cluster

    def admin_password(self) -> str:
        return self._password.read_text()

    def _is_made(self) -> bool:
        """The version file is written last; another PostgreSQL or other settings need a new template."""
        return self._version_file.is_file() and self._version_file.read_text() == self._version()

    @property
    def _version_file(self) -> Path:
        return self._password.with_name("made-by")

    def _version(self) -> str:
        version = self._programs.run("postgres", "--version")
        return repr((version, self._programs.prefix, SETTINGS, ACCESS))

    def _make(self) -> None:
        password = self._password.read_text() if self._password.is_file() else secrets.token_urlsafe(24)
        shutil.rmtree(self._cluster.parent, ignore_errors=True)
        self._cluster.parent.mkdir(parents=True)
        self._password.touch(mode=0o600)
        self._password.write_text(password)  # clusters that were kept still have it
        make_template(self._programs, self._cluster, self.admin_password())
        self._version_file.write_text(self._version())
