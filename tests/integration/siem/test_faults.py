"""Whatever the receiver does, no record is lost; a wrong configuration consumes nothing.

What is promised: fault list F6 and F40 to F46. The clock only moves when the forwarder asks to
wait, so an outage of an hour takes no time.
"""

from __future__ import annotations

import ssl
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.kafka.certificates import Authority
from tests.siem.receiver import Receiver, Reply, Request, Script
from tests.siem.world import START, World

KINDS = ("splunk-hec", "elastic", "otlp")


@pytest.fixture
def token(tmp_path: Path) -> str:
    """Give a secret in a file of the home."""
    (tmp_path / "token").write_text("secret-token\n")
    return "file:token"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def first(number: int, reply: Reply) -> Script:
    """Return a script that answers the first *number* requests with *reply*, then behaves."""
    return lambda count, request: reply if count < number and request.uids else None


def assert_all_there(world: World, receiver: Receiver) -> None:
    """Lost: none; the sink has everything settled."""
    assert set(receiver.accepted) == set(world.uids)
    assert world.state.confirmed == world.feed.head
    assert world.state.parked is None
    assert world.state.dead == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "reply",
    [
        Reply(503, {"text": "busy", "code": 9}),
        Reply(429, {}),
        Reply(500, {"text": "internal", "code": 8}),
        Reply(reset=True),
        Reply(reset=True, accept=True),
        Reply(delay=1.6, accept=True),
    ],
    ids=["503", "429", "500", "reset", "reset after accepting", "time-out after accepting"],
)
def test_what_passes_on_its_own_is_tried_again_under_the_same_ids(
    kind: str, reply: Reply, tmp_path: Path, token: str
) -> None:
    """F42: lost 0; what was accepted before the connection broke comes again with the same id."""
    number = 1 if reply.delay else 3
    with Receiver(first(number, reply)) as receiver:
        world = World(tmp_path, kind=kind, url=receiver.url, token=token, timeout_seconds=1)

        world.drain()

        assert_all_there(world, receiver)
        assert world.slept > 0
        assert all(request.uids == world.uids for request in receiver.requests)
        world.close()


@pytest.mark.parametrize("kind", KINDS)
def test_retry_after_is_honoured(kind: str, tmp_path: Path, token: str) -> None:
    """F41: the pause is at least what the receiver asks for."""
    with Receiver(first(1, Reply(429, {}, {"retry-after": "77"}))) as receiver:
        world = World(tmp_path, kind=kind, url=receiver.url, token=token)

        step = world.step()
        world.drain()

        assert step.pause >= 77
        assert_all_there(world, receiver)
        world.close()


@pytest.mark.parametrize("kind", KINDS)
def test_an_outage_of_an_hour_loses_nothing_and_drops_nothing(
    kind: str, tmp_path: Path, token: str
) -> None:
    """F45, in fast-forward: no maximum age, pauses grow to five minutes and not beyond."""
    pauses: list[float] = []
    world: World | None = None

    def down(_: int, request: Request) -> Reply | None:
        assert world is not None
        return Reply(503, {"code": 9}) if world.now < START + 3600 * 1_000_000 else None

    with Receiver(down) as receiver:
        world = World(tmp_path, kind=kind, url=receiver.url, token=token)
        while world.now < START + 3600 * 1_000_000:
            pauses.append(world.step().pause)
            world.add(3)
        world.drain()

        assert_all_there(world, receiver)
        assert world.feed.head == 10 + 3 * len(pauses)
        assert max(pauses) <= 300
        assert len(receiver.requests) < 60
        world.close()


@pytest.mark.parametrize(
    ("kind", "reply"),
    [
        ("splunk-hec", Reply(403, {"text": "Invalid token", "code": 4})),
        ("splunk-hec", Reply(401, {"text": "Token is required", "code": 2})),
        ("splunk-hec", Reply(400, {"text": "Incorrect index", "code": 7})),
        ("splunk-hec", Reply(200, b"<html>log in</html>")),
        ("elastic", Reply(401, {"error": "security_exception"})),
        ("elastic", Reply(302, {}, {"location": "http://127.0.0.1:9/"})),
        ("elastic", Reply(200, {"hello": "I am no bulk API"})),
        ("otlp", Reply(401, {})),
        ("otlp", Reply(404, {})),
        ("otlp", Reply(200, {"html": "log in"})),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value.status),
)
def test_a_wrong_token_parks_the_sink_consumes_nothing_and_raises_an_alert(
    kind: str, reply: Reply, tmp_path: Path, token: str
) -> None:
    """And once it is put right, everything arrives, the alert about it too."""
    wrong = True

    def script(_: int, request: Request) -> Reply | None:
        del request
        return reply if wrong else None

    with Receiver(script) as receiver:
        world = World(tmp_path, kind=kind, url=receiver.url, token=token)
        before = world.feed.head

        world.drain()

        assert world.state.parked
        assert "secret-token" not in world.state.parked
        assert world.state.confirmed == 0
        assert world.state.dead == 0
        assert world.feed.head == before + 1
        alert = world.feed.batch("x", 100)[-1].document
        assert alert["class_uid"] == 2004
        assert alert["severity"] == "High"
        assert alert["finding_info"]["analytic"]["uid"] == "FWD-001"
        assert alert["resources"][0]["name"] == "sink:x"
        assert world.courier.try_parked() is False

        wrong = False
        assert world.courier.try_parked() is True
        world.drain()
        assert_all_there(world, receiver)
        world.close()


def test_a_bulk_answer_is_read_item_by_item(tmp_path: Path) -> None:
    """F43: only 429 comes again, 400 is a dead letter, 409 was there already."""
    statuses = [201, 429, 409, 400, 201, 503]

    def script(number: int, request: Request) -> Reply | None:
        if number:
            return None
        items = [
            {"create": {"status": status, "error": {"type": "e"} if status >= 400 else None}}
            for status in statuses
        ]
        receiver.accepted.update(
            uid for uid, item in zip(request.uids, statuses, strict=True) if item in (201, 409)
        )
        return Reply(body={"errors": True, "items": items})

    with Receiver(script) as receiver:
        world = World(tmp_path, len(statuses), kind="elastic", url=receiver.url)

        world.step()
        assert world.state.confirmed == 1, "the watermark is contiguous"
        world.drain()

        again = receiver.requests[1].uids
        assert again == [world.uids[1], world.uids[5]]
        state = world.state
        assert (state.confirmed, state.dead, state.duplicates) == (6, 1, 1)
        assert set(receiver.accepted) == set(world.uids) - {world.uids[3]}
        world.close()


def test_a_dead_letter_can_be_driven_again(tmp_path: Path) -> None:
    """What was refused is kept whole, and goes out when somebody says so."""
    refuse = True

    def script(_: int, request: Request) -> Reply | None:
        if not refuse:
            return None
        items = [{"create": {"status": 400, "error": "mapper_parsing"}} for _ in request.uids]
        return Reply(body={"errors": True, "items": items})

    with Receiver(script) as receiver:
        world = World(tmp_path, 4, kind="elastic", url=receiver.url)
        world.drain()
        assert (world.state.dead, len(receiver.accepted)) == (4, 0)

        refuse = False
        world.drain()
        assert len(receiver.accepted) == 0
        assert world.feed.redrive("x") == 4
        world.drain()

        assert_all_there(world, receiver)
        world.close()


def test_splunk_says_which_event_is_bad_and_nothing_before_it_is_sent_again(
    tmp_path: Path, token: str
) -> None:
    """invalid-event-number: the prefix was taken, the one is dead, the rest comes again."""

    def script(number: int, request: Request) -> Reply | None:
        if number:
            return None
        receiver.accepted.update(request.uids[:4])
        return Reply(400, {"text": "Invalid data format", "code": 6, "invalid-event-number": 4})

    with Receiver(script) as receiver:
        world = World(tmp_path, 9, kind="splunk-hec", url=receiver.url, token=token)

        world.drain()

        assert receiver.requests[1].uids == world.uids[5:]
        assert set(receiver.accepted) == set(world.uids) - {world.uids[4]}
        assert max(receiver.accepted.values()) == 1
        assert (world.state.dead, world.state.confirmed) == (1, 9)
        world.close()


def test_a_batch_refused_as_a_whole_is_cut_until_the_bad_one_stands_alone(tmp_path: Path) -> None:
    """OTLP says how many were rejected, not which."""
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

    rejected = ExportLogsServiceResponse()
    rejected.partial_success.rejected_log_records = 1
    rejected.partial_success.error_message = "no"
    bad = ""

    def script(_: int, request: Request) -> Reply | None:
        if bad not in request.uids:
            return None
        receiver.accepted.update(uid for uid in request.uids if uid != bad)
        return Reply(body=rejected.SerializeToString())

    with Receiver(script) as receiver:
        world = World(tmp_path, 16, kind="otlp", url=receiver.url)
        bad = world.uids[6]

        world.drain()

        assert set(receiver.accepted) == set(world.uids) - {bad}
        assert (world.state.dead, world.state.confirmed) == (1, 16)
        world.close()


def test_what_the_indexer_does_not_acknowledge_is_sent_again(tmp_path: Path, token: str) -> None:
    """F44: accepted is not stored."""
    with Receiver() as receiver:
        receiver.acks[1] = False
        world = World(
            tmp_path,
            kind="splunk-hec",
            url=receiver.url,
            token=token,
            acknowledge=True,
            timeout_seconds=1,
        )

        world.drain()

        events = [each for each in receiver.requests if each.uids]
        assert len(events) == 2
        assert events[0].uids == events[1].uids
        assert events[0].headers["x-splunk-request-channel"]
        assert_all_there(world, receiver)
        world.close()


@pytest.mark.parametrize("kind", KINDS)
def test_killed_between_acceptance_and_commit_the_same_ids_come_again(
    kind: str, tmp_path: Path, token: str
) -> None:
    """F6: a new process sends the batch once more; the receiver can tell by the ids."""
    with Receiver() as receiver:
        world = World(tmp_path, kind=kind, url=receiver.url, token=token)
        real = world.feed.settle

        def killed(*_: Any, **__: Any) -> None:
            raise KeyboardInterrupt

        world.feed.settle = killed  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            world.step()
        world.feed.settle = real  # type: ignore[method-assign]
        world.courier = world.new_courier()

        world.drain()

        assert receiver.requests[0].uids == receiver.requests[1].uids == world.uids
        assert_all_there(world, receiver)
        world.close()


@pytest.mark.parametrize("fault", ["unknown authority", "expired"])
def test_a_certificate_that_is_not_to_be_trusted_parks_with_its_reason(
    fault: str, tmp_path: Path, token: str
) -> None:
    """F46: nothing is sent, no plain text instead, and the message says what is wrong."""
    authority = Authority(tmp_path, "ca")
    issued = authority.issue("receiver", expired=fault == "expired")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    trusted = Authority(tmp_path, "other") if fault == "unknown authority" else authority
    with Receiver(context=context) as receiver:
        world = World(
            tmp_path, kind="splunk-hec", url=receiver.url, token=token, ca_file=str(trusted.file)
        )

        world.step()

        assert receiver.requests == []
        assert world.state.confirmed == 0
        reason = {"unknown authority": "unable to get local issuer", "expired": "has expired"}
        assert reason[fault] in str(world.state.parked)
        world.close()


def test_batches_stay_as_large_as_configured(tmp_path: Path, token: str) -> None:
    """F40: whatever waits, memory holds one batch."""
    with Receiver() as receiver:
        world = World(
            tmp_path, 500, kind="elastic", url=receiver.url, token=token, batch_records=50
        )

        world.drain()

        assert Counter(len(each.uids) for each in receiver.requests) == {50: 10}
        assert_all_there(world, receiver)
        world.close()
