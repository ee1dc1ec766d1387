"""Sources and suppliers: not allowed, taken over, unpinned, changed behind a pin."""

from __future__ import annotations

from typing import Any

from lineseal.producers import dataset, model
from tests.scenarios.company import (
    checked,
    day,
    delivery,
    fraud,
    labels,
    ordinary,
    partner,
    registered,
    release,
    training,
    tx,
)
from tests.scenarios.play import Step, digest, step
from tests.scenarios.story import Steps, incident

MIRROR = "https://mirror.quick-data.example/tx"
HUB = model("hub", "encoder", version=1, digest=digest("encoder 1"))


@incident("supplier takeover", {"DP-005": "the host is on no allow-list and nobody approved it"})
def data_is_taken_from_an_unknown_mirror() -> Steps:
    """A delivery, pinned and with a digest, comes from a mirror nobody has heard of."""
    return [*ordinary(), *delivery(7, partner(1), uri=MIRROR, supplier="Quick Data")]


@incident("supplier takeover", {"DP-005": "a host that only looks like the allowed one"})
def a_look_alike_host_delivers() -> Steps:
    """The URI starts with the allowed host's name but goes on: another domain altogether."""
    uri = "https://data.partner-a.example.evil.test/tx"
    return [*ordinary(), *delivery(7, partner(1), uri=uri, supplier="Quick Data")]


@incident(
    "injection",
    {
        "DP-006": "first seen yesterday, in training today, no approval",
        "DP-020": "an input of the promoted model was never approved",
    },
)
def a_new_source_is_in_training_the_next_day() -> Steps:
    """An allowed partner's very first delivery is checked and trained on within a day."""
    return [
        *ordinary(),
        *delivery(11, partner(1)),
        *checked(11, partner(1)),
        *training(12, [tx(1), labels(1), partner(1)], fraud(2)),
        *release(13, fraud(2)),
    ]


@incident("backdoor trigger", {"DP-007": "an external model at a branch, without digest"})
def a_base_model_is_taken_at_main() -> Steps:
    """An encoder from the hub is registered at revision main; which bytes, nobody knows."""
    source = {"uri": "https://hub.example.org/encoder", "revision": "main"}
    return [*ordinary(), *registered(7, "model:hub/encoder@1", source=source, owner="fraud-team")]


@incident("injection", {"DP-007": "no revision and no digest of external data"})
def a_data_set_is_taken_without_a_revision() -> Steps:
    """Open data from the hub is registered by its address alone."""
    source = {"uri": "https://hub.example.org/datasets/merchants"}
    return [*ordinary(), *registered(7, "dataset:lake/merchants@1", source=source)]


@incident("supplier takeover", {"DP-008": "the same address and revision, other bytes"})
def a_pinned_release_changes_its_content() -> Steps:
    """Partner A's release 2026-01 is fetched twice; the second time it holds something else."""
    return [
        *ordinary(),
        *delivery(7, partner(1)),
        *delivery(8, partner(2, "something else")),
    ]


@incident("supplier takeover", {"DP-008": "the maintainers changed between two releases"})
def the_maintainers_change() -> Steps:
    """The next release, properly pinned, comes from two maintainers nobody knew before."""
    return [
        *ordinary(),
        *delivery(7, partner(1)),
        *delivery(37, partner(2), revision="2026-02", maintainers=("mallory", "trudy")),
    ]


@incident(
    "supplier takeover",
    {
        "DP-005": "the files now come from a host nobody allowed",
        "DP-008": "and from another maintainer",
    },
)
def a_supplier_is_taken_over() -> Steps:
    """After two good months a supplier's next release has a new host and a new maintainer."""
    return [
        *ordinary(),
        *delivery(7, partner(1)),
        *delivery(38, partner(2), revision="2026-02"),
        *delivery(66, partner(3), revision="2026-03", uri=MIRROR, maintainers=("mallory",)),
    ]


@incident("supplier takeover", {"DP-034": "ours is not the digest the publisher gives"})
def a_download_is_not_what_was_published() -> Steps:
    """Partner A's site names another digest than that of the file we hold."""
    return [*ordinary(), *delivery(7, partner(1), publisher_digest=digest("as published"))]


@incident("backdoor trigger", {"DP-034": "the model's digest is not its publisher's"})
def a_base_model_is_not_its_publishers() -> Steps:
    """A pinned and digested encoder differs from what the hub's publisher signed."""
    source = {"uri": "https://hub.example.org/encoder", "revision": "9c" * 20}
    fields: dict[str, Any] = {
        "source": source,
        "publisher_digest": digest("clean encoder"),
        "owner": "fraud-team",
    }
    return [
        *ordinary(),
        *registered(7, HUB, attributes={"format": "safetensors"}, **fields),
    ]


@incident("injection", {"DP-032": "synthetic data in the trusted zone without an approval"})
def synthetic_data_is_promoted_unapproved() -> Steps:
    """Generated transactions of the low zone are promoted to trusted; nobody was asked."""
    made = dataset("lake", "generated", version=1, digest=digest("generated"))
    acquisition = {"method": "synthetic", "generator_digest": digest("generator")}
    return [
        *ordinary(),
        *registered(7, made, acquisition=acquisition, trust_zone="low", role="training"),
        *checked(7, made),
        _into_zone(8, made),
    ]


@incident(
    "injection",
    {"DP-032": "scraped data became a golden set without an approval"},
    left_open={"DP-016": "a golden set may count as an evaluation set a service wrote to"},
)
def scraped_data_becomes_the_golden_set() -> Steps:
    """A crawl of an allowed site is written into a golden set by a run; nobody was asked."""
    crawl = dataset("lake", "crawl", version=1, digest=digest("crawl"))
    golden = dataset("lake", "golden", version=1, digest=digest("golden"))
    source = {"uri": "https://hub.example.org/forum", "revision": "4d" * 20}
    return [
        *ordinary(),
        *registered(7, crawl, acquisition="scraped", source=source, trust_zone="scraped"),
        *checked(7, crawl),
        step(day(7, 11.5), "ingest", "run", "fraud/curate", reads=[crawl], writes=[golden]),
        *registered(7, golden, hour=12, role="golden", trust_zone="golden"),
    ]


def _into_zone(at: float, thing: object) -> Step:
    values = {"from_environment": "low", "to_environment": "trusted"}
    return step(day(at), "ingest", "promote", thing, **values)
