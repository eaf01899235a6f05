"""Creates, reads, updates and deletes one resource as its table entry says. The only place that runs the entries."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from local.aws_provider.differences import differences
from local.aws_provider.errors import AwsError, is_missing
from local.aws_provider.inputs import told_again
from local.aws_provider.model import MERGED_TAGS, Change, Description, Properties, ResourceType, Tagging
from local.aws_provider.session import Api, LostReply
from local.aws_provider.translation import dig, outputs_of, properties_of, request_for
from local.aws_provider.waiting import WaitedInVain
from local.aws_provider.wire import UNKNOWN


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource as it was read."""

    id: str
    state: Properties


class HalfCreated(Exception):
    """The resource exists, but not everything about it could be brought about."""

    def __init__(self, resource_id: str, cause: Exception) -> None:
        super().__init__(str(cause))
        self.resource_id = resource_id
        self.cause = cause


class Gone(Exception):
    """The resource was not there when it was read back."""


BROKEN = (*AwsError, Gone, LostReply, WaitedInVain)
"""What can go wrong with a resource; to be told in one line."""


def create(kind: ResourceType, api: Api, inputs: Properties) -> Resource:
    """Create it, send what its create call does not take, wait until it can be used, and read it.

    Raises AWS's error when there is no resource, HalfCreated when there is one by now.
    """
    request = request_for(kind.inputs, inputs)
    if kind.tagging and kind.tagging.request and inputs.get(MERGED_TAGS):
        request.update(kind.tagging.request(inputs[MERGED_TAGS]))
    resource_id = str(dig(kind.create(api, request), kind.identity))
    try:
        _finish(kind, api, resource_id, inputs)
        return _must_read(kind, api, resource_id)
    except BROKEN as error:
        raise HalfCreated(resource_id, error) from error


def _finish(kind: ResourceType, api: Api, resource_id: str, inputs: Properties) -> None:
    if kind.settle:
        kind.settle(api, resource_id)
    later = {
        name for name, entry in kind.inputs.items() if entry.later and _worth_sending(entry.default, inputs.get(name))
    }
    _run_updates(kind, api, resource_id, Change(old={}, new=inputs), later)
    if kind.tagging and not kind.tagging.request and inputs.get(MERGED_TAGS):
        kind.tagging.set(api, resource_id, inputs[MERGED_TAGS])


def _worth_sending(default: Any, value: Any) -> bool:
    return value is not None and value != default


def read(kind: ResourceType, api: Api, resource_id: str) -> Resource | None:
    """Read it; None when there is no such resource."""
    description = _describe(kind, api, resource_id)
    if description is None:
        return None
    state = {**properties_of(kind.inputs, description), **outputs_of(kind, description)}
    if kind.tagging:
        state[MERGED_TAGS] = _own(kind.tagging.read(api, description))
    if not kind.global_service:
        state["region"] = api.region
    return Resource(id=str(dig(description, kind.identity)), state=state)


def _own(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in sorted(tags.items()) if not key.startswith("aws:")}


def _describe(kind: ResourceType, api: Api, resource_id: str) -> Description | None:
    try:
        return kind.read(api, resource_id)
    except ClientError as error:
        if is_missing(error):
            return None
        raise


def _must_read(kind: ResourceType, api: Api, resource_id: str) -> Resource:
    found = read(kind, api, resource_id)
    if found is None:
        raise Gone(f"{resource_id} does not exist any more: run `pulumi refresh`, then try again")
    return found


def update(kind: ResourceType, api: Api, resource_id: str, old_inputs: Properties, new: Properties) -> Resource:
    """Send what differs from what is really there, and read it. Raises one of BROKEN.

    What is there may differ from what Pulumi remembers: after a creation that failed half-way, or a change by hand.
    """
    there = _must_read(kind, api, resource_id).state
    changed = {each.input for each in differences(kind, told_again(kind, there, old_inputs, {}), new)}
    _run_updates(kind, api, resource_id, Change(old=there, new=new), changed)
    if kind.tagging and MERGED_TAGS in changed:
        _retag(kind.tagging, api, resource_id, there[MERGED_TAGS], new[MERGED_TAGS])
    return _must_read(kind, api, resource_id)


def _run_updates(kind: ResourceType, api: Api, resource_id: str, change: Change, changed: set[str]) -> None:
    for updating in kind.updates:
        if changed.intersection(updating.inputs):
            updating.run(api, resource_id, change)


def _retag(tagging: Tagging, api: Api, resource_id: str, old: Mapping[str, str], new: Mapping[str, str]) -> None:
    unwanted = sorted(set(old) - set(new))
    wanted = {key: value for key, value in new.items() if old.get(key) != value}
    if unwanted:
        tagging.remove(api, resource_id, unwanted)
    if wanted:
        tagging.set(api, resource_id, wanted)


def delete(kind: ResourceType, api: Api, resource_id: str, old: Properties) -> None:
    """Delete it; one that is gone already is no error."""
    try:
        kind.delete(api, resource_id, old)
    except ClientError as error:
        if not is_missing(error):
            raise


def previewed(kind: ResourceType, inputs: Properties, old: Properties | None = None) -> Properties:
    """Say what is known about a resource before it is created (no old state) or updated."""
    if old is None:
        computed = [name for name, entry in kind.all_inputs.items() if entry.computed]
        return {**dict.fromkeys([*kind.outputs, *computed], UNKNOWN), **inputs}
    return {**old, **dict.fromkeys(kind.restless, UNKNOWN), **inputs}


def outputs(kind: ResourceType, inputs: Properties, state: Properties) -> Properties:
    """Join what was given and what was read; where both mean the same, it stays as the program wrote it."""
    kept = {
        name: inputs[name]
        for name, entry in kind.all_inputs.items()
        if name in inputs and name in state and entry.same(inputs[name], state[name])
    }
    return {**inputs, **state, **kept}
