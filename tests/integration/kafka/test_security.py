"""Every way to a secured cluster works against a real one, and a refusal is named as such.

What is promised: TLS, client certificates, PLAIN, SCRAM and OAUTHBEARER by configuration; a wrong
certificate, user or token is an error that says so; no secret appears
in any log, not even with everything switched to debug. Source: docs/kafka.md; fault
list F46.
"""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.integration.kafka.kit import FORGOTTEN_SOCKETS, Kit, read_all
from tests.kafka.certificates import Authority
from tests.kafka.cluster import KafkaCluster, Listener
from tests.kafka.topic import make_topic

from lineseal.schemas.errors import LogDenied, LogError

pytestmark = pytest.mark.filterwarnings(FORGOTTEN_SOCKETS)

_LOGIN = "org.apache.kafka.common.security"
TLS = "security_protocol=SSL&ssl_cafile=ca.pem"
USER = "security_protocol=SASL_SSL&ssl_cafile=ca.pem&sasl_plain_username=alice"
LOGIN = "sasl_plain_password=env:LINESEAL_TEST_PASSWORD"
CERTIFICATE = "ssl_certfile=client.certificate.pem&ssl_keyfile=client.key.pem"
UNLOCK = "ssl_password=env:LINESEAL_TEST_KEY_PASSWORD"
BEARER = "security_protocol=SASL_PLAINTEXT&sasl_mechanism=OAUTHBEARER&sasl_oauth_token"
SECRETS = {"LINESEAL_TEST_PASSWORD": "wonderland", "LINESEAL_TEST_KEY_PASSWORD": "rabbithole"}
SOON = "request_timeout_ms=2000&delivery_timeout_ms=4000"


@dataclass(frozen=True)
class Secured:
    """A cluster with a listener for each kind of security, and the folder of its files."""

    cluster: KafkaCluster
    folder: Path

    def kit(self, listener: str, prefix: str, query: str) -> Kit:
        """Reach it through *listener* with the options *query*."""
        address = self.cluster.listener(listener)
        return Kit(f"kafka://{address}/{prefix}?{query}&{SOON}", self.folder)


@pytest.fixture(scope="module")
def secured(kafka_classpath: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """Run a cluster with every kind of listener."""
    folder = tmp_path_factory.mktemp("secured")
    authority = Authority(folder, "ca")
    broker = authority.issue("broker")
    authority.issue("client", password=SECRETS["LINESEAL_TEST_KEY_PASSWORD"])
    Authority(folder, "other").issue("stranger")
    for name, expires_in in (("token", 3600), ("expired", -3600)):
        (folder / name).write_text(token(expires_in), "utf-8")
    listeners = listeners_of(broker.both, authority.file)
    password = SECRETS["LINESEAL_TEST_PASSWORD"]
    scram = tuple(f"SCRAM-SHA-{bits}=[name=alice,password={password}]" for bits in (256, 512))
    cluster = KafkaCluster(kafka_classpath, folder / "kafka", listeners=listeners, scram=scram)
    with cluster:
        yield Secured(cluster, folder)


def listeners_of(keystore: Path, truststore: Path) -> dict[str, Listener]:
    """Describe the listeners to the broker."""
    tls = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(keystore),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(truststore),
    }
    password = SECRETS["LINESEAL_TEST_PASSWORD"]
    plain = f'{_LOGIN}.plain.PlainLoginModule required user_alice="{password}";'
    scram = f"{_LOGIN}.scram.ScramLoginModule required;"
    oauth = f"{_LOGIN}.oauthbearer.OAuthBearerLoginModule required;"
    unsecured = f"{_LOGIN}.oauthbearer.internals.unsecured.OAuthBearerUnsecuredValidator"
    return {
        "TLS": Listener("SSL", tls),
        "MUTUAL": Listener("SSL", {**tls, "ssl.client.auth": "required"}),
        "PLAIN": Listener(
            "SASL_SSL",
            {**tls, "sasl.enabled.mechanisms": "PLAIN", "plain.sasl.jaas.config": plain},
        ),
        "SCRAM": Listener(
            "SASL_SSL",
            {
                **tls,
                "sasl.enabled.mechanisms": "SCRAM-SHA-256,SCRAM-SHA-512",
                "scram-sha-256.sasl.jaas.config": scram,
                "scram-sha-512.sasl.jaas.config": scram,
            },
        ),
        "OAUTH": Listener(
            "SASL_PLAINTEXT",
            {
                "sasl.enabled.mechanisms": "OAUTHBEARER",
                "oauthbearer.sasl.jaas.config": oauth,
                "oauthbearer.sasl.server.callback.handler.class": f"{unsecured}CallbackHandler",
            },
        ),
    }


def token(expires_in: int) -> str:
    """Make an unsigned token, which the broker's handler for development accepts."""
    now = int(time.time())
    claims = {"sub": "alice", "iat": now - 7200, "exp": now + expires_in}
    parts = [json.dumps(part).encode() for part in ({"alg": "none"}, claims)]
    return ".".join(base64.urlsafe_b64encode(p).rstrip(b"=").decode() for p in parts) + ".\n"


@pytest.fixture(autouse=True)
def _secrets_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


WAYS = {
    "TLS": TLS,
    "MUTUAL": f"{TLS}&{CERTIFICATE}&{UNLOCK}",
    "PLAIN": f"{USER}&sasl_mechanism=PLAIN&{LOGIN}",
    "SCRAM": f"{USER}&sasl_mechanism=SCRAM-SHA-512&{LOGIN}",
    "SCRAM 256": f"{USER}&sasl_mechanism=SCRAM-SHA-256&{LOGIN}",
    "OAUTH": f"{BEARER}=file:token",
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_in_works_and_keeps_its_secrets(
    way: str, secured: Secured, kafka_prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Write, read and administer, with all logs at debug."""
    caplog.set_level(logging.DEBUG)
    with secured.kit(way.partition(" ")[0], kafka_prefix, WAYS[way]) as kit:
        make_topic(kit.url())
        kit.send("fraud", [b"event"])

        assert [record.value for record in read_all(kit.reader())] == [b"event"]
    secrets = [*SECRETS.values(), (secured.folder / "token").read_text("utf-8").strip()]
    assert not [secret for secret in secrets if secret in caplog.text]


REFUSALS = {
    "a broker of another authority": ("TLS", "security_protocol=SSL&ssl_cafile=other.pem"),
    "no client certificate": ("MUTUAL", TLS),
    "a client certificate of another authority": (
        "MUTUAL",
        f"{TLS}&ssl_certfile=stranger.certificate.pem&ssl_keyfile=stranger.key.pem",
    ),
    "TLS to a plain-text listener": ("OAUTH", TLS),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refused_handshake_is_named(case: str, secured: Secured, kafka_prefix: str) -> None:
    """By writer and reader alike, and soon."""
    listener, query = REFUSALS[case]
    with secured.kit(listener, kafka_prefix, query) as kit:
        writer = kit.writer()
        writer.append("fraud", b"event")

        with pytest.raises(LogError) as caught:
            kit.reader().poll(1, 0.0)
        assert names_a_refusal(caught.value)
        with contextlib.suppress(LogDenied):
            writer.flush(2.0)
        assert writer.last_error is not None
        assert names_a_refusal(writer.last_error)


def names_a_refusal(error: LogError) -> bool:
    """Say whether *error* is one, or says that it may be: kafka-python can miss the answer."""
    return isinstance(error, LogDenied) or "may have refused" in str(error)


@pytest.mark.parametrize(
    ("listener", "query"),
    [
        ("PLAIN", f"{USER}&sasl_mechanism=PLAIN&sasl_plain_password=env:LINESEAL_TEST_WRONG"),
        (
            "SCRAM",
            f"{USER}&sasl_mechanism=SCRAM-SHA-256&sasl_plain_password=env:LINESEAL_TEST_WRONG",
        ),
        ("OAUTH", f"{BEARER}=file:expired"),
    ],
)
def test_a_refused_user_is_named(
    listener: str, query: str, secured: Secured, kafka_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the password is not in the message."""
    monkeypatch.setenv("LINESEAL_TEST_WRONG", "looking-glass")
    with secured.kit(listener, kafka_prefix, query) as kit:
        with pytest.raises(LogError) as caught:
            kit.reader().poll(1, 0.0)

        assert names_a_refusal(caught.value)
        assert "looking-glass" not in str(caught.value)
