"""The units of one user, or of the system: loaded from their files, enabled by links, started and stopped."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from local.servers.disk import Disk
from local.servers.journal import Journal
from local.servers.layout import Layout
from local.servers.service import Service
from local.servers.units import Command, InvalidUnit, Unit, parse


class UnknownUnit(Exception):
    """No file of that name; holds the name."""


@dataclass(frozen=True, kw_only=True)
class UnitFile:
    """What systemd tells of the file of a unit: whether it is there, and linked into what wants it."""

    load_state: str
    file_state: str
    path: Path


class Timer:
    """Starts a service after some time, and again and again; its own thread, until stopped."""

    def __init__(self, unit: Unit, trigger: Callable[[], object]) -> None:
        self._unit = unit
        self._trigger = trigger
        self._stop_wanted = threading.Event()
        self._thread = threading.Thread(target=self._run, name=unit.name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """No trigger any more; what it has triggered goes on, as with systemd."""
        self._stop_wanted.set()

    def _run(self) -> None:
        delay = self._unit.after_boot if self._unit.after_boot is not None else self._unit.repeat
        while delay is not None and not self._stop_wanted.wait(delay):
            self._trigger()
            delay = self._unit.repeat


class UnitManager:
    """What `systemctl` (for the system) or `systemctl --user` (for one user) works on; safe under threads."""

    def __init__(self, layout: Layout, disk: Disk, user: str, *, system: bool) -> None:
        self._layout = layout
        self._disk = disk
        self._user = user
        self._system = system
        self.folder = layout.system_units if system else layout.user_units(user)
        self._units: dict[str, Unit] = {}
        self._services: dict[str, Service] = {}
        self._timers: dict[str, Timer] = {}
        self._image: dict[str, tuple[str, str]] = {}
        self._down = False
        self._lock = threading.RLock()

    def exists(self, name: str) -> bool:
        return self._file(name).is_file()

    def reload(self) -> None:
        """Forget what was read of unit files: the next start reads them again, like `daemon-reload`."""
        with self._lock:
            self._units.clear()

    def start(self, name: str) -> bool:
        """Start a service or a timer. False when it failed or the server is down. Raises UnknownUnit, InvalidUnit."""
        unit = self._unit(name)
        if self._down:
            return False
        if unit.is_timer:
            return self._start_timer(unit)
        return self._fresh_service(unit).start()

    def stop(self, name: str) -> None:
        """Stop a service or a timer. Raises UnknownUnit."""
        with self._lock:
            timer, service = self._timers.pop(name, None), self._services.get(name)
        if timer is None and service is None and not self.exists(name):
            raise UnknownUnit(name)
        if timer is not None:
            timer.stop()
        if service is not None:
            service.stop()

    def enable(self, name: str) -> list[tuple[Path, Path]]:
        """Link the unit into what wants it; the answer is the links that were made and where they lead."""
        made = []
        for link in self._links(self._unit(name)):
            if not link.is_symlink():
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(self._file(name))
                made.append((link, self._file(name)))
        return made

    def disable(self, name: str) -> list[Path]:
        """Remove the unit's links; the answer is those that were there."""
        gone = [link for link in self.folder.glob(f"*.wants/{name}") if link.is_symlink()]
        for link in gone:
            link.unlink()
        return gone

    def is_enabled(self, name: str) -> bool:
        return any(self.folder.glob(f"*.wants/{name}"))

    def start_enabled(self) -> None:
        """What happens when the server starts: from now on units may run."""
        self.start_again(sorted({link.name for link in self.folder.glob("*.wants/*")}))

    def block(self) -> None:
        """Nothing starts any more."""
        self._down = True

    def active_names(self) -> list[str]:
        """What runs, or waits for its time."""
        with self._lock:
            return [*self._timers, *(name for name, service in self._services.items() if service.active)]

    def start_again(self, names: list[str]) -> None:
        """Start what `stop_all` has ended, of these."""
        self._down = False
        for name in names:
            if self.exists(name):
                self._start_quietly(name)

    def stop_all(self) -> None:
        """What happens when the server stops: all at once, each with its own time to end; nothing starts any more."""
        self.block()
        with self._lock:
            names = [*self._timers, *self._services]
        stoppers = [threading.Thread(target=self.stop, args=(name,), daemon=True) for name in names]
        for stopper in stoppers:
            stopper.start()
        for stopper in stoppers:
            stopper.join()

    def state(self, name: str) -> tuple[str, str]:
        """systemd's ActiveState and SubState."""
        with self._lock:
            if name in self._timers:
                return ("active", "waiting")
            service = self._services.get(name)
            return service.state if service else self._image.get(name, ("inactive", "dead"))

    def note(self, name: str, state: tuple[str, str]) -> None:
        """Take the state of a unit that the machine image brings as told: there is nothing behind it here."""
        with self._lock:
            self._image[name] = state

    def service(self, name: str) -> Service | None:
        with self._lock:
            return self._services.get(name)

    def services(self) -> list[Service]:
        with self._lock:
            return list(self._services.values())

    def description(self, name: str) -> str:
        """What the unit's file says that it is; its name where there is no file that could be read."""
        try:
            return self._unit(name).description
        except (UnknownUnit, InvalidUnit):
            return name

    def unit_file(self, name: str) -> UnitFile:
        exists = self.exists(name)
        enabled = "enabled" if self.is_enabled(name) else "disabled" if exists else ""
        return UnitFile(load_state="loaded" if exists else "not-found", file_state=enabled, path=self._file(name))

    def names(self) -> list[str]:
        """All units with a file or a process."""
        files = (path.name for path in self.folder.glob("*.*") if path.suffix in (".service", ".timer"))
        with self._lock:
            return sorted({*files, *self._services, *self._timers})

    def _start_quietly(self, name: str) -> None:
        try:
            self.start(name)
        except UnknownUnit:
            self._journal(name).say(f"{name}: unit not found")
        except InvalidUnit as error:
            self._journal(name).say(str(error))

    def _start_timer(self, unit: Unit) -> bool:
        with self._lock:
            if unit.name not in self._timers:
                self._timers[unit.name] = Timer(unit, lambda: self._start_quietly(unit.service))
        return True

    def _fresh_service(self, unit: Unit) -> Service:
        """A running service keeps the definition that it was started with; a stopped one gets the newest."""
        with self._lock:
            service = self._services.get(unit.name)
            if service is None or (not service.active and service.unit != unit):
                service = self._services[unit.name] = self._new_service(unit)
            return service

    def _new_service(self, unit: Unit) -> Service:
        environment = self._layout.environment(unit.user or self._user)
        home = self._layout.root if self._system else self._layout.home(self._user)
        return Service(unit, environment, home, self._journal(unit.name), self._disk)

    def _unit(self, name: str) -> Unit:
        with self._lock:
            if name not in self._units:
                self._units[name] = self._read(name)
            return self._units[name]

    def _read(self, name: str) -> Unit:
        if "/" in name or not self.exists(name):
            raise UnknownUnit(name)
        unit = parse(name, self._file(name).read_text(), self._specifiers(name))
        return self._rooted(unit) if self._system else unit

    def _rooted(self, unit: Unit) -> Unit:
        """A system unit names files from `/`: what lies in the server's folder is meant there."""
        return replace(
            unit,
            exec_start=tuple(self._rooted_command(command) for command in unit.exec_start),
            exec_start_pre=tuple(self._rooted_command(command) for command in unit.exec_start_pre),
            working_directory=unit.working_directory and self._rooted_path(unit.working_directory),
            conditions=tuple(replace(each, path=self._inside(each.path)) for each in unit.conditions),
        )

    def _rooted_command(self, command: Command) -> Command:
        return replace(command, argv=tuple(self._rooted_path(word) for word in command.argv))

    def _rooted_path(self, word: str) -> str:
        here = self._layout.root / word.lstrip("/")
        return str(here) if word.startswith("/") and here.exists() else word

    def _inside(self, path: str) -> str:
        """A condition asks about the server's own file, also when it is not there."""
        return path if path.startswith(f"{self._layout.root}/") else str(self._layout.root / path.lstrip("/"))

    def _specifiers(self, name: str) -> dict[str, str]:
        home = self._layout.home(self._user)
        stem = name.rpartition(".")[0]
        instance = stem.partition("@")[2]
        return {"h": str(home), "u": self._user, "n": name, "N": stem, "p": stem.partition("@")[0], "i": instance}

    def _links(self, unit: Unit) -> list[Path]:
        return [self.folder / f"{target}.wants" / unit.name for target in unit.wanted_by]

    def _file(self, name: str) -> Path:
        return self.folder / name

    def _journal(self, name: str) -> Journal:
        return Journal(self._layout.journal / name, self._disk)
