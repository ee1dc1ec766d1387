"""Data in the pipeline: changed, unchecked, contaminated, quarantined, in a circle."""

from __future__ import annotations

from lineseal.producers import dataset, feature_set
from tests.scenarios.company import (
    HOLDOUT,
    approved,
    checked,
    cycle,
    day,
    fraud,
    holdout,
    intake,
    labelling,
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

FEATURES = feature_set("lake", "fraud-features", version=1, digest=digest("features"))
OTHER_BYTES = "the bytes that were read are neither the approved nor the checked ones"


@incident(
    "injection",
    {"DP-001": "the digest at use is not the one in the signed manifest"},
    left_open={"DP-010": OTHER_BYTES, "DP-020": OTHER_BYTES},
)
def rows_are_added_after_signing() -> Steps:
    """Transactions 1 are registered with their manifest; the trainer reads other bytes as 1."""
    manifest = digest("transactions 1 ")
    return [
        *intake(4, tx(1), manifest_root=manifest),
        *labelling(4),
        *training(5, [tx(1, "and 300 rows more"), labels(1)], fraud(1)),
    ]


@incident("injection", {"DP-009": "rejects went from 1 to 35 per cent"})
def the_reject_rate_bursts() -> Steps:
    """Seven ordinary daily checks of a feed, then one that rejects 3,500 of 10,000 rows."""
    rejects = [80, 100, 90, 120, 110, 95, 100, 3_500]
    return [
        one
        for number, count in enumerate(rejects)
        for one in [
            *registered(4 + number, partner(number + 1), role="training"),
            *checked(
                4 + number,
                partner(number + 1),
                rows_rejected=count,
                outcome="fail" if count > 1_000 else "pass",
            ),
        ]
    ]


@incident("injection", {"DP-010": "data went from intake to training without any validation"})
def the_check_is_left_out() -> Steps:
    """The second week's transactions are approved and trained on, but no check ever ran."""
    return [
        *ordinary(),
        step(day(11), "ingest", "run", "fraud/ingest", stage="ingest", writes=[tx(2)]),
        *registered(11, tx(2), role="training", acquisition="internal"),
        *approved(11, tx(2)),
        *training(12, [tx(2), labels(1)], fraud(2)),
    ]


@incident("injection", {"DP-010": "the check's configuration changed and nobody approved it"})
def the_check_is_weakened() -> Steps:
    """The same check runs in the second week with another configuration, approved by nobody."""
    loose = digest("checks with limits ten times as wide")
    return [
        *ordinary(),
        step(day(11), "ingest", "run", "fraud/ingest", stage="ingest", writes=[tx(2)]),
        *registered(11, tx(2), role="training", acquisition="internal"),
        *checked(11, tx(2), config_digest=loose, rows_rejected=2),
        *approved(11, tx(2)),
        *training(12, [tx(2), labels(1)], fraud(2)),
    ]


@incident("evaluation fraud", {"DP-016": "the trainer read the protected hold-out set"})
def the_hold_out_set_is_trained_on() -> Steps:
    """The second training also reads the hold-out set that will judge it."""
    return [*ordinary(), *training(12, [tx(1), labels(1), HOLDOUT], fraud(2))]


@incident(
    "evaluation fraud",
    {"DP-016": "a pipeline's service wrote to the evaluation set"},
    left_open={
        "DP-001": "the set also has other bytes than registered, though nobody has used them",
        "DP-015": "the set was frozen, so its rewriting is also a change after the freeze",
    },
)
def a_service_writes_the_hold_out_set() -> Steps:
    """The ingest service writes other bytes under the hold-out set's version."""
    other = dataset("lake", "holdout", version=1, digest=digest("easier holdout"))
    return [
        *ordinary(),
        step(day(11), "ingest", "run", "fraud/ingest", stage="ingest", writes=[other]),
    ]


@incident("quarantine bypass", {"DP-017": "the trainer consumed what stands in quarantine"})
def quarantined_data_is_trained_on() -> Steps:
    """Transactions 2 are put into quarantine at noon; next day the trainer reads them."""
    return [
        *ordinary(),
        *intake(11, tx(2)),
        _placed(11.4, tx(2)),
        *training(12, [tx(2), labels(1)], fraud(2)),
    ]


@incident("quarantine bypass", {"DP-017": "a descendant of quarantined data was consumed"})
def features_of_quarantined_data_are_trained_on() -> Steps:
    """Features are made of transactions 1, these are quarantined, the features trained on."""
    return [
        *intake(4, tx(1)),
        *labelling(4),
        step(day(5), "ingest", "run", "fraud/features", reads=[tx(1)], writes=[FEATURES]),
        *checked(5, FEATURES),
        *approved(5, FEATURES),
        _placed(6, tx(1)),
        *training(7, [FEATURES, labels(1)], fraud(1)),
    ]


@incident("quarantine bypass", {"DP-017": "a copy under another name descends from quarantine"})
def quarantined_data_is_copied_and_renamed() -> Steps:
    """While transactions 2 stand in quarantine a run copies them to a new name and trains on it."""
    copy = dataset("lake", "tx-final", version=1, digest=digest("transactions 2 "))
    return [
        *ordinary(),
        *intake(11, tx(2)),
        _placed(11.4, tx(2)),
        step(day(12), "ingest", "run", "fraud/copy", reads=[tx(2)], writes=[copy]),
        *registered(12, copy, role="training", acquisition="internal"),
        *checked(12, copy),
        *approved(12, copy),
        *training(13, [copy, labels(1)], fraud(2)),
    ]


@incident("model collapse", {"DP-033": "the model's outputs became its own labels"})
def a_model_labels_its_own_training_data() -> Steps:
    """Model 1 labels new transactions; model 2 of the same name is trained on those labels."""
    step_label = {"stage": "label", "reads": [fraud(1), tx(2)], "writes": [labels(2)]}
    return [
        *ordinary(),
        *intake(11, tx(2)),
        step(day(12), "labeller", "run", "fraud/auto-label", **step_label),
        *registered(12, labels(2), who="labeller", acquisition="internal", role="training"),
        *checked(12, labels(2), name="labels"),
        *approved(12, labels(2)),
        *training(13, [tx(2), labels(2)], fraud(2)),
    ]


@incident("evaluation fraud", {"DP-020": "one input of the promoted model was never approved"})
def a_model_rests_on_data_nobody_approved() -> Steps:
    """Own, checked but unapproved transactions go into a model that is otherwise done right."""
    return [
        *ordinary(),
        step(day(11), "ingest", "run", "fraud/ingest", stage="ingest", writes=[tx(2)]),
        *registered(11, tx(2), role="training", acquisition="internal"),
        *checked(11, tx(2)),
        *training(12, [tx(2), labels(1)], fraud(2)),
        *release(13, fraud(2)),
    ]


@incident(
    "injection",
    {
        "DP-009": "a third of the delivery was rejected",
        "DP-012": "the class balance tipped",
        "DP-017": "it stood in quarantine when it was trained on",
    },
)
def a_poisoned_feed_gets_through() -> Steps:
    """The eighth delivery is rejected by a third and tipped, quarantined, and trained on."""
    steps: Steps = [*holdout(), *cycle(1)]
    for number in range(1, 9):
        bad = number == 8
        counts = {"fraud": 4_800 if bad else 900, "legit": 5_200 if bad else 9_100}
        profile = {"rows": 10_000, "label_counts": counts}
        thing = partner(number)
        steps += [
            *registered(10 + number, thing, role="training", profile=profile),
            *checked(10 + number, thing, rows_rejected=3_300 if bad else 90),
            *approved(10 + number, thing),
        ]
    return [
        *steps,
        _placed(18.5, partner(8)),
        *training(20, [partner(8), labels(1)], fraud(2)),
    ]


def _placed(at: float, thing: object) -> Step:
    values = {"reason": "suspicious rows", "owner": "data-team", "reviewer": "carol"}
    return step(day(at), "checker", "quarantine", thing, **values)
