"""The releases that an environment knows: signed manifests, content-addressed artifacts and verdicts in its bucket."""

from collections.abc import Iterable
from dataclasses import asdict

from semver import Version

from release.doors.aws.bucket import Bucket, Stored
from release.doors.aws.keys import SigningKey
from release.doors.aws.parts import encoded, over, parts, shown
from release.process.errors import Refused
from release.process.signature import sign_document, verify_document
from release.records.artifacts.archive import Artifact
from release.records.artifacts.manifest import (
    Manifest,
    Verdict,
    artifact_key,
    manifest_document,
    manifest_key,
    parse_manifest,
    parse_verdict,
    refuse_bad_checks,
    verdict_key,
)

KNOWN = 5  # versions that are named where another one was asked for


class Releases:
    """One environment's releases. Whatever is read here was verified with the environment's public key first."""

    def __init__(self, *, environment: str, bucket: Bucket, key: SigningKey) -> None:
        self.environment = environment
        self._bucket = bucket
        self._key = key

    def exist(self) -> bool:
        """Whether there is a bucket to hold any: it comes with the environment's first up."""
        return self._bucket.exists()

    def find(self, version: str) -> Manifest | None:
        """The release ``version``; None when this environment never had it. Refused when its signature is not ours."""
        key = manifest_key(version)
        data = self._bucket.get(key)
        if data is None:
            return None
        manifest = parse_manifest(self._verified(data, "manifest", key))
        if manifest.version != version:
            raise Refused(f"the manifest of {version} is of {manifest.version}", hint="it was moved in the bucket")
        return manifest

    def get(self, version: str) -> Manifest:
        """The release ``version``; Refused, naming the versions there are, when there is none."""
        if manifest := self.find(version):
            return manifest
        known = ", ".join(newest_first(self.versions())[:KNOWN]) or "none yet"
        raise Refused(
            f"{version} was never published to {self.environment}",
            hint=f"published there: {known}",
        )

    def versions(self) -> tuple[str, ...]:
        """The versions that this environment has, in the order of their keys."""
        keys = self._bucket.keys("releases/")
        return tuple(key.removeprefix("releases/").removesuffix(".json") for key in keys)

    def publish(self, artifact: Artifact, manifest: Manifest) -> bool:
        """Store bytes and signed manifest; False when this very release was published before.

        Refused when the version exists with other bytes. The manifest comes last: it never speaks of bytes that are
        not there. Of a release that was pruned the bytes are stored again.
        """
        known = self._is_known(manifest)
        if not self._has_bytes(manifest):
            self._bucket.upload_new(manifest.artifact_key, artifact.path, manifest.digest, manifest.parts)
        self.refuse_other_bytes(manifest)
        return False if known else self._store(manifest)

    def adopt(self, manifest: Manifest, source: "Releases") -> None:
        """Copy a release from another environment's bucket, on the server side, and sign it here.

        Refused when its checks could not have been published: whoever signed it there need not have judged them.
        """
        refuse_bad_checks(manifest.checks, f"the manifest of {manifest.version}")
        known = self._is_known(manifest)
        if not self._has_bytes(manifest):
            self._bucket.copy_new_from(source._bucket, manifest.artifact_key, manifest.digest, manifest.parts)
        self.refuse_other_bytes(manifest)
        if not known:
            self._store(manifest)

    def stored(self, manifest: Manifest) -> Stored | None:
        """What S3 says of the artifact's bytes; None when they are not there."""
        return self._bucket.stored(manifest.artifact_key)

    def has_bytes(self, digest: str) -> bool:
        """Whether there is an artifact of these bytes here."""
        return self._bucket.stored(artifact_key(digest)) is not None

    def remove_bytes(self, manifest: Manifest) -> None:
        """Delete the artifact's bytes in every version. Manifest and verdicts stay."""
        self._bucket.remove(manifest.artifact_key)

    def refuse_other_bytes(self, manifest: Manifest) -> None:
        """Refused when S3 does not report the artifact with the digest that the manifest names."""
        found = self._bucket.checksum(manifest.artifact_key)
        if found not in expected(manifest):
            what = f"has other bytes (sha256 {shown(found)}) in" if found else "is gone, or has no sha256, in"
            changed = "it was changed by hand; publish its bytes again under a new version"
            raise Refused(
                f"the artifact of {manifest.version} {what} {self._bucket.name}",
                hint=changed if found else "publish the very same file again under its version",
            )

    def sign_verdict(self, verdict: Verdict) -> None:
        """Add this environment's signed verdict over a release."""
        key = verdict_key(verdict.version, verdict.deployment)
        self._bucket.put_new(key, self._signed(asdict(verdict), "verdict"))

    def verdict(self, manifest: Manifest, deployment: str) -> Verdict | None:
        """The verdict that a deployment of this environment gave over this very artifact; None when it gave none."""
        key = verdict_key(manifest.version, deployment)
        data = self._bucket.get(key)
        if data is None:
            return None
        verdict = parse_verdict(self._verified(data, "verdict", key))
        about = (verdict.version, verdict.digest, verdict.environment, verdict.deployment)
        return verdict if about == (manifest.version, manifest.digest, self.environment, deployment) else None

    def _has_bytes(self, manifest: Manifest) -> bool:
        return self._bucket.checksum(manifest.artifact_key) is not None

    def _is_known(self, manifest: Manifest) -> bool:
        known = self.find(manifest.version)
        if known is not None and known.digest != manifest.digest:
            raise Refused(
                f"{manifest.version} is already published to {self.environment} with other bytes "
                f"(sha256 {known.digest[:12]}, this one {manifest.digest[:12]})",
                hint="a version means one artifact for ever: use a new version",
            )
        return known is not None

    def _store(self, manifest: Manifest) -> bool:
        if self._bucket.put_new(manifest_key(manifest.version), self._signed(manifest_document(manifest), "manifest")):
            return True
        self._is_known(manifest)  # somebody published the version meanwhile: the same bytes, or refused
        return False

    def _signed(self, document: dict[str, object], kind: str) -> bytes:
        return sign_document(
            document, kind=kind, environment=self.environment, key_name=self._key.alias, sign=self._key.sign
        )

    def _verified(self, data: bytes, kind: str, key: str) -> dict[str, object]:
        public = self._key.public_key()
        return verify_document(data, kind=kind, environment=self.environment, public_key=public, name=key)


def newest_first(names: Iterable[str]) -> tuple[str, ...]:
    """The names that are versions, by their precedence (semver.org, 11). Others may lie in a bucket and are none."""
    versions = (Version.parse(name) for name in names if Version.is_valid(name))
    return tuple(map(str, sorted(versions, reverse=True)))


def expected(manifest: Manifest) -> frozenset[str]:
    """What S3 may say of the artifact's bytes: written by one request, as one part, or in the manifest's parts."""
    whole, one_part = encoded(manifest.digest), encoded(over([bytes.fromhex(manifest.digest)]), 1)
    if manifest.parts is None:
        return frozenset({whole, one_part})
    count = len([*parts(manifest.size, manifest.parts.size)])
    return frozenset({whole, one_part, encoded(manifest.parts.digest, count)})
