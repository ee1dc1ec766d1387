"""A Kafka URL says how to reach a cluster, never holds a secret, and never falls back.

What is promised: what cannot work is refused with the option's name before anything connects; an
option that would have no effect is refused, so nobody believes in encryption that is not there;
no message repeats a secret. Source: DESIGN 6; fault list F46.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lineseal.schemas.errors import ConfigurationError
from lineseal.settings import Home
from lineseal.transport.kafka import parse_kafka_url
from lineseal.transport.kafka.clients import client_config
from lineseal.transport.open import open_kafka_writer, open_reader

SASL = "security_protocol=SASL_SSL&sasl_mechanism=PLAIN&sasl_plain_username=alice"
HERE = Path("/nowhere")


@pytest.mark.parametrize(
    ("url", "servers", "prefix"),
    [
        ("kafka://broker", ("broker:9092",), "lineseal"),
        ("kafka://broker:19092/", ("broker:19092",), "lineseal"),
        ("kafka://a:1,b:2,10.0.0.3:3/prod.lineage", ("a:1", "b:2", "10.0.0.3:3"), "prod.lineage"),
        ("kafka://[::1]:9092/x", ("[::1]:9092",), "x"),
    ],
)
def test_servers_and_prefix_are_taken_apart(
    url: str, servers: tuple[str, ...], prefix: str
) -> None:
    """Ports and prefix have defaults; a topic's name is prefix, dot, name."""
    parsed = parse_kafka_url(url, HERE)

    assert (parsed.servers, parsed.prefix) == (servers, prefix)
    assert parsed.topic("events") == f"{prefix}.events"


@pytest.mark.parametrize(
    "url",
    [
        "kafka://",
        "kafka:///x",
        "kafka://a:0",
        "kafka://a:65536",
        "kafka://a:b",
        "kafka://a,,b",
        "kafka://a b",
        "kafka://[::1",
        "kafka://a/x/y",
        "kafka://a/ü",
        "kafka://a/x#y",
        "kafka://a?x",
        "http://a",
    ],
)
def test_what_is_no_kafka_url_is_refused(url: str) -> None:
    """With a configuration error, whatever is wrong."""
    with pytest.raises(ConfigurationError):
        parse_kafka_url(url, HERE)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("ssl_cafil=x", "did you mean 'ssl_cafile'"),
        ("client_id=a&client_id=b", "client_id stands twice"),
        ("client_id=", "client_id"),
        ("api_version=two", "api_version"),
        ("api_version=4", "api_version"),
        ("request_timeout_ms=0", "request_timeout_ms"),
        ("delivery_timeout_ms=1000", "must not be below"),
        ("security_protocol=TLS", "PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"),
        ("security_protocol=SASL_SSL", "sasl_mechanism"),
        (f"{SASL}&sasl_plain_username=b", "stands twice"),
        (SASL, "sasl_plain_password"),
        ("security_protocol=SASL_SSL&sasl_mechanism=OAUTHBEARER", "sasl_oauth_token"),
        ("security_protocol=SSL&ssl_keyfile=k", "ssl_certfile"),
        ("security_protocol=SSL&ssl_check_hostname=maybe", "true or false"),
    ],
)
def test_an_option_that_cannot_work_is_named(query: str, message: str) -> None:
    """Before anything connects."""
    with pytest.raises(ConfigurationError, match=message):
        parse_kafka_url(f"kafka://broker/x?{query}", HERE)


@pytest.mark.parametrize("option", ["ssl_cafile=ca.pem", "sasl_mechanism=PLAIN"])
def test_security_that_would_have_no_effect_is_refused(option: str) -> None:
    """Nobody shall believe in encryption that is not there."""
    with pytest.raises(ConfigurationError, match="have no effect"):
        parse_kafka_url(f"kafka://broker/x?{option}", HERE)


@pytest.mark.parametrize(
    "url",
    [
        "kafka://alice:hunter2@broker/x",
        f"kafka://broker/x?{SASL}&sasl_plain_password=hunter2",
        f"kafka://broker/x?{SASL}&sasl_plain_password=env:",
        "kafka://broker/x?security_protocol=SSL&ssl_password=hunter2",
    ],
)
def test_a_secret_in_the_url_is_refused_and_not_repeated(url: str) -> None:
    """It says where secrets may lie instead."""
    with pytest.raises(ConfigurationError, match="env:NAME") as caught:
        parse_kafka_url(url, HERE)

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["kafka//:hunter2@broker", "hunter2", "embedded:", ""])
def test_a_url_of_no_known_kind_is_not_repeated(url: str, tmp_path: Path) -> None:
    """It may hold more than people should see."""
    for opening in (open_reader, open_kafka_writer):
        with pytest.raises(ConfigurationError) as caught:
            opening(url, Home(tmp_path))

        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("reference", ["env:LINESEAL_TEST_SECRET", "file:secret"])
def test_a_secret_is_read_when_a_client_is_made(
    reference: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anew each time, from where the URL says, and it never prints itself."""
    url = parse_kafka_url(f"kafka://b/x?{SASL}&sasl_plain_password={reference}", tmp_path)

    for secret in ("hunter2", "hunter3"):
        monkeypatch.setenv("LINESEAL_TEST_SECRET", secret)
        (tmp_path / "secret").write_text(f"{secret}\n", "utf-8")
        config = client_config(url, "test")

        assert config["sasl_plain_password"] == secret
        assert secret not in repr(config)
    assert "hunter" not in f"{url} {url!r}"


@pytest.mark.parametrize(
    ("option", "content", "message"),
    [
        (f"{SASL}&sasl_plain_password=env:LINESEAL_NO_SUCH", None, "LINESEAL_NO_SUCH is not set"),
        (f"{SASL}&sasl_plain_password=file:secret", None, "cannot read"),
        (f"{SASL}&sasl_plain_password=file:secret", b"", "is empty"),
        (f"{SASL}&sasl_plain_password=file:secret", b"\xff", "is not text"),
        ("security_protocol=SSL&ssl_cafile=secret", None, "ssl_cafile"),
        ("security_protocol=SSL&ssl_cafile=secret", b"junk", "ssl_cafile"),
        ("security_protocol=SSL&ssl_certfile=secret", b"junk", "ssl_certfile"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    option: str, content: bytes | None, message: str, tmp_path: Path
) -> None:
    """With the option and what is wrong with it."""
    assert "LINESEAL_NO_SUCH" not in os.environ
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    url = parse_kafka_url(f"kafka://broker/x?{option}", tmp_path)

    with pytest.raises(ConfigurationError, match=message):
        client_config(url, "test")
