"""Every setting, its default and what it does.

One dataclass per section of ``lineseal.toml``; a field's name is the key, its ``help`` metadata
the documentation, ``least`` the smallest number that can work. ``docs/configuration.md`` is
rendered from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lineseal.schemas.reference import DEFAULT_NAMESPACE

MIB = 1024 * 1024


def _setting(default: Any, text: str, *, least: int | None = None) -> Any:
    return field(default=default, metadata={"help": text, "least": least})


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentSettings:
    """``[deployment]``: which installation this is and whom it trusts."""

    name: str = _setting("", "name sealed into every batch; a batch of another one is refused")
    roots: tuple[str, ...] = _setting((), "key ids of the root keys that may sign the keyring")
    threshold: int = _setting(1, "how many root signatures a keyring needs", least=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmitterSettings:
    """``[emitter]``: who signs, and how events are stored before they are sent."""

    producer: str = _setting("", "name this installation's jobs sign as")
    key: str = _setting("", "securesystemslib signer URI; default: keys/PRODUCER.pem in the home")
    namespace: str = _setting(DEFAULT_NAMESPACE, "job namespace when a call names none")
    linger_ms: int = _setting(
        200, "milliseconds an event may wait before its batch is sealed", least=0
    )
    heartbeat_seconds: int = _setting(
        60, "seconds after which an open, idle emitter says that it is alive; 0: never", least=0
    )
    max_bytes: int = _setting(
        4096 * MIB, "bytes one outbox may hold before events are dropped", least=MIB
    )
    strict: bool = _setting(False, "raise into the job instead of counting a loss")
    relay: bool = _setting(
        False, "with a log in Kafka, ship from a thread of the job, where no relay runs beside it"
    )
    drain_seconds: int = _setting(
        10,
        "with a log in Kafka, how long 'lineseal run', or a job with a relay of its own, tries to"
        " ship what is left before it ends; 0 not at all",
        least=0,
    )
    prune: bool = _setting(
        False,
        "remove from the outboxes what a signed receipt says is in the store (with Kafka: and was"
        " shipped); files in use are left alone. 'lineseal up', 'relay' and 'materialise' do it",
    )
    mlflow: bool = _setting(
        False, "record what MLflow is told in every process that has this home, without a call"
    )
    on_contained: str = _setting(
        "refuse", "what run.reads does with what is frozen or in quarantine: refuse or warn"
    )
    require_containment_list: bool = _setting(
        False, "read nothing without a genuine and recent containment list"
    )
    containment_hours: int = _setting(
        24, "hours after which a containment list is not recent any more", least=1
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """``[log]``: where sealed batches travel."""

    url: str = _setting(
        "embedded:log",
        "embedded:FOLDER (taken from the home), or kafka://HOST:PORT,.../PREFIX?OPTION=VALUE",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """``[store]``: where events are materialised."""

    path: str = _setting("store/lineseal.duckdb", "the DuckDB file (taken from the home)")
    memory_limit: str = _setting("2GB", "memory DuckDB may use")
    signer: str = _setting(
        "materialiser",
        "whose key signs checkpoints of the store's log, receipts for the producers and the list of"
        " what is contained: NAME of a key with the role log, or a securesystemslib signer URI;"
        " without such a key there are none",
    )
    checkpoint_seconds: int = _setting(
        5, "seconds between two checkpoints of a log that grows", least=1
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectSettings:
    """``[detect]``: how detections run."""

    rules: str = _setting("", "folder of your own rules (taken from the home); empty: none")
    producer: str = _setting(
        "detect",
        "whose key signs alerts, changes of keys and of the policy: NAME of a key with the roles "
        "detect and emit, as 'lineseal init' makes it; without such a key alerts stay in the store",
    )
    tick_seconds: int = _setting(
        60, "seconds between the signed moments that rules about absence are judged at", least=1
    )
    context_days: int = _setting(
        14, "days before an occurrence that an alert's context looks back", least=0
    )
    rule_seconds: int = _setting(30, "seconds one of your own rules may run", least=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySettings:
    """``[policy]``: what detections take as allowed. A change wants an approval (DP-025)."""

    allowed_sources: tuple[str, ...] = _setting(
        (),
        "sources data may come from: a URI, the start of one up to a slash, a host, or the name "
        "of a source, supplier or publisher; empty: not checked (DP-005)",
    )
    approvers: tuple[str, ...] = _setting(
        (),
        "who may decide at which gate, as GATE=PERSON (source, dataset, training, promotion, "
        "rollback or *); empty: anybody under their own key (DP-018)",
    )
    containment_officers: tuple[str, ...] = _setting(
        (), "who may freeze and release; empty: anybody under their own key (DP-038)"
    )
    data_writers: tuple[str, ...] = _setting(
        (),
        "who may write or be granted data, as PRINCIPAL=SCOPE, where SCOPE is the start of "
        "kind:namespace/name, or *; empty: not checked (DP-037)",
    )
    training_triggers: tuple[str, ...] = _setting(
        (),
        "what may start a training: the whole trigger, or its start before a *; empty: not "
        "checked (DP-024)",
    )
    training_hours: tuple[str, ...] = _setting(
        (),
        "when trainings may start, UTC, as 'mon-fri 06:00-20:00' or 'sat 00:00-24:00'; empty: not "
        "checked (DP-024)",
    )
    freeze_windows: tuple[str, ...] = _setting(
        (),
        "when nothing may be trained or promoted, as START/END in ISO 8601, UTC where no offset is "
        "given (DP-024)",
    )
    high_trust_zones: tuple[str, ...] = _setting(
        ("high", "trusted", "production", "prod", "golden", "curated", "restricted"),
        "trust zones and environments that hold only approved data (DP-032)",
    )
    low_trust_zones: tuple[str, ...] = _setting(
        ("low", "untrusted", "public", "external", "partner", "community", "scraped"),
        "trust zones whose data needs an approval before it goes higher (DP-032)",
    )
    sandbox_environments: tuple[str, ...] = _setting(
        ("sandbox", "research", "dev", "development", "test"),
        "environments a model may go to without evaluation and approval (DP-020)",
    )
    allowed_model_formats: tuple[str, ...] = _setting(
        (),
        "formats a registered model may have (attribute 'format', or a file's ending); empty: "
        "not checked (DP-022)",
    )
    expected_producers: tuple[str, ...] = _setting(
        (), "who has to be heard how often, as PRODUCER=SECONDS (DP-025)"
    )
    disabled_rules: tuple[str, ...] = _setting((), "ids of rules that do not run")
    thresholds: tuple[str, ...] = _setting(
        (),
        "parameters of rules that differ from their default, as DP-009.min_rows=500; 'lineseal "
        "rules show ID' lists them",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSettings:
    """``[gate]``: how ``lineseal gate`` judges, and who signs its verdicts."""

    policy: str = _setting(
        "", "the policy file (taken from the home); empty: what 'lineseal gate policy' prints"
    )
    producer: str = _setting(
        "", "name verdicts are signed as, with keys/PRODUCER.pem; empty: [emitter] producer"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """``[api]``: how a process that holds the store answers for the command line."""

    socket: str = _setting("run/api.sock", "the Unix socket (taken from the home), 0600")
    listen: str = _setting("", "HOST:PORT to answer on as well; needs the token of token_file")
    token_file: str = _setting(
        "run/api.token", "the bearer token for listen and url; made (0600) when missing"
    )
    url: str = _setting("", "http://HOST:PORT of a service elsewhere; commands then ask only there")
    timeout_seconds: int = _setting(600, "how long one question may take", least=1)
    held_edges: int = _setting(
        20_000_000,
        "lineage edges held in memory for fast answers, 18 MB a million; none when there are more",
        least=0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """``[gateway]``: how events of other systems come in: OpenLineage over HTTP, and imports."""

    listen: str = _setting("", "HOST:PORT that OpenLineage clients send to; empty: no gateway")
    topic: str = _setting(
        "",
        "kafka://HOST:PORT/TOPIC that OpenLineage clients write to and 'lineseal up' reads; its"
        " options as in docs/kafka.md; empty: none",
    )
    topic_namespaces: tuple[str, ...] = _setting(
        ("*",), "namespaces of jobs that who writes to the topic may speak for, patterns"
    )
    topic_writes: tuple[str, ...] = _setting(
        ("*",), "namespace/name that its runs may write, patterns"
    )
    producer: str = _setting(
        "gateway", "name that what the gateway and imports take is sealed under; needs its own key"
    )
    tokens_file: str = _setting(
        "gateway/tokens.json", "who may send, by hashed token (taken from the home), 0600"
    )
    documents: str = _setting(
        "gateway/documents.sqlite", "where events are kept as they came (taken from the home)"
    )
    max_bytes: int = _setting(
        16 * 1024 * MIB, "bytes the file of documents may have before events are refused", least=MIB
    )
    max_event_bytes: int = _setting(
        32 * MIB, "bytes of the largest request, after decompression", least=1024
    )
    max_buffered_bytes: int = _setting(
        96 * MIB, "bytes of all requests being received at once; more are told to come again"
    )
    max_connections: int = _setting(
        512, "connections open at once; the longest silent one makes room for a new one", least=8
    )
    header_seconds: int = _setting(10, "seconds a client has to send its request's head", least=1)
    body_seconds: int = _setting(60, "seconds a client has to send its request's body", least=1)
    cert_file: str = _setting("", "certificate for TLS, PEM (taken from the home)")
    key_file: str = _setting("", "its private key, PEM (taken from the home)")
    client_ca_file: str = _setting(
        "", "authorities whose certificates clients must show, PEM (taken from the home)"
    )
    kinds: tuple[str, ...] = _setting(
        (),
        "what is no data set, as KIND=PATTERN of namespace/name, such as model=mlflow*; the first"
        " that fits counts",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TelemetrySettings:
    """``[telemetry]``: where metrics and traces go; nowhere by default."""

    endpoint: str = _setting(
        "", "OTLP/HTTP base URL; OTEL_EXPORTER_OTLP_ENDPOINT does the same and wins"
    )
    interval_seconds: int = _setting(30, "seconds between two exports of metrics", least=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkSettings:
    """``[sinks.NAME]``: one receiver of alerts and human decisions, in a SIEM or a file.

    Without any such section ``lineseal forward`` writes the file ``siem/lineseal.jsonl``.
    """

    kind: str = _setting(
        "file",
        "file, syslog+tls, syslog+relp, splunk-hec, elastic, opensearch, otlp or kafka",
    )
    url: str = _setting(
        "", "where the receiver is: https://..., tls://HOST:6514, relp+tls://HOST:2514, kafka://..."
    )
    rendering: str = _setting("", "ocsf, ecs or cef; default: ecs for elastic, ocsf for the rest")
    path: str = _setting("siem/lineseal.jsonl", "the file (taken from the home)")
    rotate_bytes: int = _setting(
        100 * MIB, "bytes at which the file is renamed and a new one begun", least=4096
    )
    token: str = _setting("", "token or API key: env:NAME or file:PATH")
    username: str = _setting("", "user name for basic authentication")
    password: str = _setting("", "its password: env:NAME or file:PATH")
    ca_file: str = _setting("", "authorities that sign the receiver's certificate, PEM")
    cert_file: str = _setting("", "our own certificate, PEM, where the receiver asks for one")
    key_file: str = _setting("", "its private key, PEM")
    index: str = _setting("", "Splunk index; Elastic index or data stream; default: lineseal")
    topic: str = _setting("siem", "topic in Kafka, behind the URL's prefix")
    acknowledge: bool = _setting(False, "Splunk: wait until the indexer has it (needs the token's)")
    batch_records: int = _setting(500, "records sent at once", least=1)
    batch_bytes: int = _setting(1_000_000, "bytes sent at once, before compression", least=1024)
    max_record_bytes: int = _setting(
        0, "bytes of the longest record, longer ones are cut; default: what the receiver takes"
    )
    timeout_seconds: int = _setting(30, "how long to wait for the receiver", least=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Hold all sections."""

    deployment: DeploymentSettings = field(default_factory=DeploymentSettings)
    emitter: EmitterSettings = field(default_factory=EmitterSettings)
    log: LogSettings = field(default_factory=LogSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    detect: DetectSettings = field(default_factory=DetectSettings)
    policy: PolicySettings = field(default_factory=PolicySettings)
    gate: GateSettings = field(default_factory=GateSettings)
    api: ApiSettings = field(default_factory=ApiSettings)
    gateway: GatewaySettings = field(default_factory=GatewaySettings)
    telemetry: TelemetrySettings = field(default_factory=TelemetrySettings)
    sinks: Mapping[str, SinkSettings] = field(default_factory=dict[str, SinkSettings])
