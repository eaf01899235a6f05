"""The configurations of an environment: its secrets in versions, and what deployments froze of them for slots.

Each version of the secrets is a secret of its own in AWS Secrets Manager, as the versions of one secret are dropped by
AWS, or take one of its 20 labels. Beside it an item of the ledger's table says the names, so that who may look needs to
read no value. The secret comes first: whoever finds it without its item, writes that, so nothing that was set is lost.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from contract.artifacts import CONFIGURATIONS, configuration_key
from contract.configuration import (
    MOST_NAMES,
    MOST_SECRETS,
    Document,
    document_text,
    parse_document,
    parse_values,
)
from release.doors.aws.bucket import Bucket, Stored
from release.doors.aws.secrets import Secrets
from release.doors.aws.table import LedgerTable
from release.process.canonical import sha256_hex
from release.process.errors import Broken, Refused
from release.process.form import FORMAT, Form, read_form, stored
from release.records.ledger.items import new_version, same_version
from settings.names import Names

VERSION = "CONFIGURATION"  # the kind of the items that tell of versions, by their numbers
TRIES = 10  # of a change that others were quicker with

Values = Mapping[str, str]
Rule = Callable[[Values], Values]


class Version(Form):
    """The names of the secrets as they were in one version, each with the version in which it was set last.

    ``change`` says what ``by`` did, in a line. ``pruned``: its values are gone, as nothing needs them any more.
    """

    version: int
    names: dict[str, int]
    at: str = ""
    by: str = ""
    change: str = ""
    pruned: bool = False
    format: int = FORMAT


def digest_of(document: Document) -> str:
    """What a configuration is known by."""
    return sha256_hex(document_text(document).encode())


@dataclass(frozen=True, kw_only=True)
class Configurations:
    """One environment's."""

    table: LedgerTable
    secrets: Secrets
    bucket: Bucket
    names: Names
    tags: dict[str, str]
    now: Callable[[], datetime]

    def newest(self) -> Version:
        """What is set now; version 0, without names, where nothing ever was."""
        item = next(iter(self.table.items(VERSION, newest_first=True, size=1)), None)
        return read_form(Version, item.body, "what is configured") if item else Version(version=0, names={})

    def change(self, rule: Rule, by: str, change: str) -> Version:
        """Apply ``rule`` to the values, as a new version; what changes nothing writes nothing.

        Whoever changes them at the same time is built upon, not overwritten.
        """
        for _ in range(TRIES):
            before = self.newest()
            values = self._values(before)
            wanted = rule(values)
            if wanted == values:
                return before
            after = self._next(before, values, wanted, by, change)
            if self.secrets.create_new(self._name(after), _secret_text(after, wanted), self.tags):
                self._note(after)
                return after
            self._note(self._found(after))
        raise Broken("what is configured was changed by others all the time", hint="run it again")

    def chosen(self, environment: Values) -> Document | None:
        """The configuration of who starts now, with these values that all may read; None where there is nothing.

        Refused where one of them is a secret as well: nobody could tell which one is meant.
        """
        newest = self.newest()
        refuse_both(environment, newest.names)
        if not environment and not newest.names:
            return None
        secret = self._name(newest) if newest.names else ""
        return Document(environment=dict(environment), secrets=newest.names, secret=secret)

    def keep(self, document: Document) -> None:
        """Store it under its digest, where servers look for it; one that is there already is the same."""
        self.bucket.put_new(configuration_key(digest_of(document)), document_text(document).encode())

    def read(self, digest: str) -> Document:
        """A configuration that was kept. Broken where it is gone, or is another text than its digest says."""
        text = self.bucket.get(configuration_key(digest))
        if text is None or sha256_hex(text) != digest:
            raise Broken(f"the configuration {digest[:12]} {'was changed' if text else 'is gone'}", hint="redeploy")
        try:
            return parse_document(text.decode())
        except ValueError as error:
            raise Broken(f"the configuration {digest[:12]} is not readable: {error}", hint="redeploy") from error

    def kept(self) -> tuple[str, ...]:
        """The digests of the configurations that are stored."""
        return tuple(key.removeprefix(f"{CONFIGURATIONS}/") for key in self.bucket.keys(f"{CONFIGURATIONS}/"))

    def stored(self, digest: str) -> Stored | None:
        """What S3 says of a configuration that is stored."""
        return self.bucket.stored(configuration_key(digest))

    def stored_versions(self) -> dict[int, str]:
        """The versions whose values are stored, by their numbers, and the names of their secrets."""
        versions = (read_form(Version, item.body, "what was configured") for item in self.table.items(VERSION))
        return {one.version: self._name(one) for one in versions if not one.pruned}

    def remove(self, what: str) -> None:
        """Delete a configuration by its digest, or the values of a version by the name of its secret."""
        number = what.removeprefix(self.names.configuration(""))
        if number == what:
            self.bucket.remove(configuration_key(what))
            return
        self.secrets.remove(what)
        if (item := self.table.get(VERSION, int(number))) is not None:
            version = read_form(Version, item.body, "what was configured").but(pruned=True)
            self.table.write_together([same_version(VERSION, item, stored(version))])

    def _values(self, version: Version) -> Values:
        return parse_values(self._text(version)) if version.version else {}

    def _found(self, version: Version) -> Version:
        """Of a version that somebody else is just setting, or died in the middle of it: its own word."""
        facts = json.loads(self._text(version))
        return read_form(Version, json.dumps({key: facts.get(key) for key in facts if key != "values"}), "a secret")

    def _text(self, version: Version) -> str:
        name = self._name(version)
        text = self.secrets.read(name)
        if text is None:
            raise Broken(f"the secret {name} is gone", hint="restore it, or set all names anew")
        return text

    def _note(self, version: Version) -> None:
        self.table.write_together([new_version(VERSION, version.version, stored(version))])

    def _name(self, version: Version) -> str:
        return self.names.configuration(version.version)

    def _next(self, before: Version, values: Values, wanted: Values, by: str, change: str) -> Version:
        number = before.version + 1
        names = {
            name: before.names.get(name, number) if values.get(name) == value else number
            for name, value in wanted.items()
        }
        at = self.now().isoformat(timespec="seconds")
        return Version(version=number, names=names, at=at, by=by, change=change)


def refuse_both(environment: Values, secrets: Mapping[str, int]) -> None:
    """Refused where a name has a value that all may read, and is a secret."""
    if both := sorted({*environment} & {*secrets}):
        raise Refused(
            f"{', '.join(both)} stands in app.environment and is set as a secret",
            hint="take it out of the stack file, or unset it: release config unset",
        )


def _secret_text(version: Version, values: Values) -> str:
    """What the secret holds. Refused where that is more than AWS takes."""
    text = json.dumps({**version.model_dump(), "values": dict(values)}, sort_keys=True)
    if len(values) > MOST_NAMES or len(text) > MOST_SECRETS:
        raise Refused(
            f"that would be {len(values)} secrets of {len(text)} bytes together",
            hint=f"{MOST_NAMES} secrets of {MOST_SECRETS} bytes are the most: unset some, or keep them in a bucket",
        )
    return text
