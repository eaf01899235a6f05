"""Faults act on the calls that they name, and exactly as often as they should."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from local.errors import CloudError
from local.faults import Fault
from local.gate.call_faults import Acting, CallFaults, check_target
from local.gate.calls import Call

PUT = Call(service="dynamodb", operation="PutItem", shape="json")
GET = Call(service="dynamodb", operation="GetItem", shape="json")
LIST = Call(service="s3", operation="ListBuckets", shape="s3")


@pytest.fixture
def faults() -> CallFaults:
    return CallFaults()


@pytest.mark.parametrize(
    ("target", "hit"),
    [
        pytest.param("dynamodb:PutItem", [PUT], id="one call"),
        pytest.param("dynamodb", [PUT, GET], id="one service"),
        pytest.param("*", [PUT, GET, LIST], id="all"),
    ],
)
def test_a_fault_acts_on_what_its_target_names(faults: CallFaults, target: str, hit: list[Call]) -> None:
    faults.inject(throttle(target))
    assert [call for call in (PUT, GET, LIST) if faults.act(call).then] == hit


def test_a_fault_acts_until_it_is_lifted(faults: CallFaults) -> None:
    faults.inject(throttle("s3"))
    acted = [faults.act(LIST).then for _ in range(3)]
    faults.lift(throttle("s3"))
    assert (acted, faults.act(LIST)) == (["throttle"] * 3, Acting())


def test_lifting_what_is_spent_is_no_error(faults: CallFaults) -> None:
    faults.inject(throttle("s3", times=1))
    faults.act(LIST)
    faults.lift(throttle("s3", times=1))


def test_a_counted_fault_acts_that_often_under_threads_and_is_told_once(faults: CallFaults) -> None:
    spent: list[str] = []
    faults.tell(spent.append)
    faults.inject(throttle("*", times=50))
    with ThreadPoolExecutor(16) as pool:
        acted = list(pool.map(lambda _: faults.act(LIST).then, range(400)))
    assert (acted.count("throttle"), spent) == (50, ["f1"])


def test_delays_add_up_and_then_the_oldest_other_fault_acts_alone(faults: CallFaults) -> None:
    faults.inject(Fault(id="f1", kind="delay", target="*", seconds=1))
    faults.inject(Fault(id="f2", kind="lose", target="s3", times=1))
    faults.inject(Fault(id="f3", kind="delay", target="s3", seconds=2))
    faults.inject(Fault(id="f4", kind="drop", target="s3", times=1))
    acted = [faults.act(LIST) for _ in range(3)]
    assert acted == [Acting(delay=3, then="lose"), Acting(delay=3, then="drop"), Acting(delay=3)]


@pytest.mark.parametrize(
    ("target", "said"),
    [
        pytest.param(
            "dynamo", r"no AWS service 'dynamo' here: there are acm, cloudwatch, dynamodb, .* and \*", id="service"
        ),
        pytest.param("dynamodb:Put", "dynamodb has no call 'Put': did you mean PutItem", id="call"),
        pytest.param("s3:", "s3 has no call '': did you mean AbortMultipartUpload", id="nothing"),
        pytest.param("sts:xyz", "sts has no call 'xyz': did you mean AssumeRole", id="nothing like it"),
    ],
)
def test_a_target_that_does_not_exist_is_refused_with_what_does(faults: CallFaults, target: str, said: str) -> None:
    with pytest.raises(CloudError, match=said) as refused:
        faults.inject(throttle(target))
    assert ("\n" in str(refused.value), faults.act(LIST)) == (False, Acting())


@pytest.mark.parametrize("target", ["*", "cloudwatch", "elbv2:ModifyListener", "dynamodb:TransactWriteItems"])
def test_targets_are_named_as_boto3_does(target: str) -> None:
    check_target(target)


def throttle(target: str, times: int | None = None) -> Fault:
    return Fault(id="f1", kind="throttle", target=target, times=times)
