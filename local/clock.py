"""The time of this cloud: this machine's, and off by some seconds when somebody wants to see that.

What moto writes into its models and what replies say in `Date` follow it, and requests that are signed too far
from it are refused (`local.gate`). Processes on servers keep the machine's time, as on AWS.
"""

import datetime
from collections.abc import Callable
from contextlib import ExitStack
from types import ModuleType, SimpleNamespace

import moto.core.utils
import moto.s3.models
import moto.secretsmanager.models

from local.errors import CloudError
from local.faults import Fault


class Clock:
    """Tells the time, and is the injector of the faults of kind `clock`."""

    def __init__(self, machine: Callable[[datetime.tzinfo | None], datetime.datetime] = datetime.datetime.now) -> None:
        self._machine = machine
        self._fault: Fault | None = None

    def now(self, tz: datetime.tzinfo | None = None) -> datetime.datetime:
        """As `datetime.datetime.now`."""
        return self._machine(tz) + datetime.timedelta(seconds=self._offset())

    def seconds(self) -> float:
        """As `time.time`."""
        return self.now(datetime.UTC).timestamp()

    def inject(self, fault: Fault) -> None:
        """Be off. Raises `CloudError` when it is off already."""
        if self._fault:
            raise CloudError(f"the clock is off already: `local-cloud fault clear {self._fault.id}` puts it right")
        self._fault = fault

    def lift(self, fault: Fault) -> None:
        """Be right again."""
        self._fault = None

    def install(self, installed: ExitStack) -> None:
        """Make moto tell this time until `installed` is closed.

        All of moto asks `moto.core.utils.utcnow`, which modules hold by name; so what that function asks is replaced.
        """
        moment = SimpleNamespace(
            now=self.now, strptime=datetime.datetime.strptime, fromtimestamp=datetime.datetime.fromtimestamp
        )
        calendar = SimpleNamespace(datetime=moment, timedelta=datetime.timedelta, timezone=datetime.timezone)
        _set(installed, moto.core.utils, "datetime", calendar)
        _set(installed, moto.s3.models, "datetime", calendar)
        _set(installed, moto.secretsmanager.models, "time", SimpleNamespace(time=self.seconds))

    def _offset(self) -> float:
        fault = self._fault
        return fault.seconds if fault else 0.0


def _set(installed: ExitStack, module: ModuleType, name: str, value: object) -> None:
    installed.callback(setattr, module, name, getattr(module, name))
    setattr(module, name, value)
