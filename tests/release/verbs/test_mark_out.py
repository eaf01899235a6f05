"""`release mark-out`: a server is in no way until it is in again, and never the last one."""

import pytest

from release.process.errors import Refused, WrongUsage
from release.records.ledger.head import Out, State
from release.verbs.mark_out import with_server, without_server
from tests.release.world import SERVERS, World


def test_a_server_that_is_marked_out_is_in_no_way_until_it_is_in_again(world: World) -> None:
    out = Out(server="env-servers-2", reason="dead", by="ops", since="t")
    state = without_server(State(), out, SERVERS)
    assert (state.out_names, with_server(state, "env-servers-2")) == (frozenset({"env-servers-2"}), State())
    with pytest.raises(Refused, match="marked out already"):
        without_server(state, out, SERVERS)
    with pytest.raises(Refused, match="last server that is not out"):
        without_server(state, out.but(server="env-servers-1"), SERVERS)
    with pytest.raises(WrongUsage, match="there is no server web"):
        without_server(State(), out.but(server="web"), SERVERS)
