"""Which tests go to one worker together: those of an end-to-end file, or of several that share what a worker made.

Marks of xdist do not do it: the version in use writes them where this pytest does not look.
"""

from pathlib import PurePath

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # it has no types

COPIES = (
    ("test_way_back", "test_watch", "test_drift", "test_unlock", "test_demos"),
    (
        "test_configuration",
        "test_deployment",
        "test_identities",
        "test_installer",
        "test_bad_input",
        "test_kept_cloud",
        "test_database_login",
        "test_monitoring",
    ),
)
GROUPS = {name: f"copies of dev {number}" for number, names in enumerate(COPIES, start=1) for name in names}


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """End-to-end tests by file, all others one by one."""

    def _split_scope(self, nodeid: str) -> str:
        file = PurePath(nodeid.partition("::")[0])
        return GROUPS.get(file.stem, str(file)) if file.parts[:2] == ("tests", "e2e") else nodeid
