"""moto's models as bytes, and back: all that the AWS API holds, in one pickle.

moto has one `BackendDict` a service, and in it plain Python objects which refer to each other across services. They
are pickled together, so that what is one object stays one. The dictionaries themselves belong to moto's modules and
are pickled as names. Some things are no data for Python's pickle, and `_Pickler` says how they come back: private keys
and certificates, dictionaries that show other items than they hold, functions that were written in place, locks.

Only bytes of the same moto and the same Python fit: `made_by` says which.
"""

import importlib
import io
import marshal
import pickle
import sys
import threading
import types
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from moto.core.base_backend import AccountSpecificBackend, BackendDict

from local.errors import CloudError

PROTOCOL = 5
ATTEMPTS = 5  # a request under way may change a dictionary that is being read
PRIVATE_KEYS = (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey)
LOCKS: dict[type, Callable[[], Any]] = {
    type(threading.Lock()): threading.Lock,
    type(threading.RLock()): threading.RLock,
}
Holding = dict[str, dict[str, Any]]  # backends by account and region
Reduced = tuple[Callable[..., Any], tuple[Any, ...]]


def made_by() -> dict[str, str]:
    """What must be the same where bytes are read again."""
    return {"moto": version("moto"), "python": f"{sys.version_info.major}.{sys.version_info.minor}"}


def dump() -> bytes:
    """All models as bytes. Raises `CloudError` when there is something that cannot be kept."""
    for _ in range(ATTEMPTS - 1):
        try:
            return _dump()
        except RuntimeError:  # a dictionary changed; also RecursionError, which comes again
            continue
    try:
        return _dump()
    except RuntimeError as error:
        raise _not_kept(error) from error


def load(content: bytes) -> None:
    """Put the models into moto, in place of what it has of these services. Raises `CloudError` if they do not fit."""
    try:
        found: list[tuple[BackendDict[Any], Holding]] = _Unpickler(io.BytesIO(content)).load()
    except (pickle.UnpicklingError, AttributeError, ImportError, IndexError, KeyError, TypeError, EOFError) as error:
        raise CloudError(
            f"the kept state is not of this version ({type(error).__name__}: {error}): go back to the version that"
            " kept it, or forget it by `local-cloud reset`"
        ) from error
    for services, holding in found:
        for account, regions in holding.items():
            for region, backend in regions.items():
                services[account][region] = backend


def backends(service: str) -> Iterator[Any]:
    """All backends of a service which are in use, in all accounts and regions."""
    for services in list(BackendDict._instances):
        if services.service_name == service:
            yield from (backend for regions in list(services.values()) for backend in list(regions.values()))


def _dump() -> bytes:
    buffer = io.BytesIO()
    holdings = [(services, _holding(services)) for services in list(BackendDict._instances)]
    try:
        _Pickler(buffer, PROTOCOL).dump(holdings)
    except (TypeError, AttributeError, ValueError, pickle.PicklingError) as error:
        raise _not_kept(error) from error
    return buffer.getvalue()


def _holding(services: "BackendDict[Any]") -> Holding:
    return {account: dict(regions.items()) for account, regions in list(services.items())}


def _not_kept(error: Exception) -> CloudError:
    return CloudError(f"the state cannot be kept ({error}): the cloud runs on; `local-cloud down` forgets its state")


class _Pickler(pickle.Pickler):
    def persistent_id(self, thing: Any) -> tuple[str, ...] | None:
        if isinstance(thing, BackendDict):
            return _place(thing)
        if isinstance(thing, AccountSpecificBackend):
            return (*_place(_services_of(thing)), thing.account_id)
        return None

    def reducer_override(self, thing: Any) -> Any:
        if isinstance(thing, PRIVATE_KEYS):
            return _reduced_key(thing)
        if isinstance(thing, x509.Certificate):
            return _certificate, (thing.public_bytes(serialization.Encoding.DER),)
        if isinstance(thing, dict) and type(thing) not in (dict, OrderedDict):
            return _reduced_dictionary(thing)
        if isinstance(thing, types.FunctionType) and "<locals>" in thing.__qualname__:
            return _reduced_function(thing)
        if type(thing) in LOCKS:
            return LOCKS[type(thing)], ()
        return NotImplemented


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, place: tuple[str, ...]) -> Any:
        module, name, *account = place
        services = getattr(importlib.import_module(module), name)
        return services[account[0]] if account else services


def _place(services: "BackendDict[Any]") -> tuple[str, str]:
    """The module and the variable that moto keeps it in."""
    module = services.backend.__module__
    for name, value in vars(sys.modules[module]).items():
        if value is services:
            return module, name
    raise pickle.PicklingError(f"{services.service_name} is not kept in {module}")


def _services_of(regions: "AccountSpecificBackend[Any]") -> "BackendDict[Any]":
    return next(services for services in BackendDict._instances if services.get(regions.account_id) is regions)


def _reduced_key(key: Any) -> Reduced:
    content = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return _private_key, (content,)


def _private_key(content: bytes) -> Any:
    return serialization.load_der_private_key(content, None)


def _certificate(content: bytes) -> x509.Certificate:
    return x509.load_der_x509_certificate(content)


def _reduced_dictionary(thing: "dict[Any, Any]") -> Any:
    """As the plain dictionary that it is: classes of moto show other items, or are made of other arguments."""
    factory = thing.default_factory if isinstance(thing, defaultdict) else None
    state = (getattr(thing, "__dict__", {}), factory, list(dict.items(thing)))
    return _empty, (type(thing),), state, None, None, _fill


def _empty(kind: "type[dict[Any, Any]]") -> "dict[Any, Any]":
    return kind.__new__(kind)


def _fill(thing: "dict[Any, Any]", state: tuple[dict[str, Any], Callable[[], Any] | None, list[Any]]) -> None:
    attributes, factory, items = state
    if attributes:
        vars(thing).update(attributes)
    if isinstance(thing, defaultdict):
        thing.default_factory = factory
    for key, value in items:
        dict.__setitem__(thing, key, value)


def _reduced_function(function: types.FunctionType) -> Reduced:
    """A function that was written in place: its code, and the module it stands in."""
    if function.__closure__:
        raise pickle.PicklingError(f"{function.__module__}.{function.__qualname__} holds variables")
    return _function, (marshal.dumps(function.__code__), function.__module__)


def _function(code: bytes, module: str) -> types.FunctionType:
    return types.FunctionType(marshal.loads(code), vars(importlib.import_module(module)))
