"""Everyday data work: suppliers, checks, labels, feedback, zones, quarantine."""

from __future__ import annotations

from typing import Any

from lineseal.producers import config, dataset
from tests.scenarios.company import (
    CHECKS,
    approved,
    checked,
    cycle,
    day,
    delivery,
    fraud,
    holdout,
    intake,
    labelling,
    labels,
    moment,
    ordinary,
    partner,
    registered,
    release,
    review,
    training,
    tx,
)
from tests.scenarios.play import digest, step
from tests.scenarios.story import Steps, clean

FEEDBACK = dataset("lake", "feedback", version=1, digest=digest("feedback 1"))


@clean("supplier onboarding")
def a_new_supplier_is_onboarded_properly() -> Steps:
    """The source is approved, the delivery checked and approved, and used six weeks later."""
    return [
        *ordinary(),
        *approved(7, "source:partner-a", gate="source", hour=7),
        *delivery(7, partner(1)),
        *checked(7, partner(1)),
        *approved(7, partner(1)),
        *training(54, [tx(1), labels(1), partner(1)], fraud(2)),
        *release(55, fraud(2)),
    ]


@clean("supplier onboarding")
def a_supplier_off_the_list_is_approved_first() -> Steps:
    """A host on no list is approved by bob at the gate source before its first delivery."""
    uri = "https://archive.partner-b.example/tx"
    thing = dataset("lake", "partner-b", version=1, digest=digest("partner-b 1"))
    return [
        *ordinary(),
        *approved(7, thing, gate="source", hour=7),
        *delivery(7, thing, uri=uri, supplier="Partner B"),
    ]


@clean("supplier delivery")
def monthly_releases_of_a_supplier() -> Steps:
    """Three monthly releases, each with its own revision and digest, same maintainers."""
    months = [(7, "2026-01"), (38, "2026-02"), (66, "2026-03")]
    steps = ordinary()
    for number, (at, revision) in enumerate(months):
        thing = partner(number + 1)
        steps += [*delivery(at, thing, revision=revision), *checked(at, thing)]
    return steps


@clean("supplier delivery")
def the_same_release_is_fetched_again() -> Steps:
    """After a disk failure the same revision is fetched once more; the bytes are the same."""
    return [*ordinary(), *delivery(7, partner(1)), *delivery(9, partner(1))]


@clean("external model")
def an_encoder_is_taken_at_a_commit() -> Steps:
    """An encoder from the hub, pinned by commit and digest, equal to the publisher's."""
    source = {"uri": "https://hub.example.org/encoder", "revision": "9c" * 20}
    sealed = digest("encoder")
    fields: dict[str, Any] = {"source": source, "publisher_digest": sealed, "owner": "fraud-team"}
    return [
        *ordinary(),
        *registered(
            7, f"model:hub/encoder@{sealed}", attributes={"format": "safetensors"}, **fields
        ),
    ]


@clean("validation")
def reject_rates_go_up_and_down() -> Steps:
    """Fourteen daily checks reject between 0.5 and 1.6 per cent."""
    rejects = [80, 110, 60, 95, 140, 50, 160, 75, 120, 88, 105, 70, 150, 90]
    steps = ordinary()
    for number, count in enumerate(rejects):
        thing = partner(number + 1)
        steps += registered(7 + number, thing, role="training")
        steps += checked(7 + number, thing, rows_rejected=count)
    return steps


@clean("validation")
def a_small_batch_has_two_bad_rows() -> Steps:
    """A correction of five rows has two rejects: 40 per cent of next to nothing."""
    steps = ordinary()
    for number in range(6):
        thing = partner(number + 1)
        few = {"rows_checked": 5, "rows_rejected": 2} if number == 5 else {}
        steps += registered(7 + number, thing, role="training")
        steps += checked(7 + number, thing, **few)
    return steps


@clean("validation")
def bad_data_is_corrected_as_a_new_version() -> Steps:
    """A duplicated column fails the check; the corrected next version passes and is used."""
    return [
        *ordinary(),
        *registered(11, tx(2), role="training", acquisition="internal"),
        *checked(11, tx(2), outcome="fail", rows_rejected=120),
        *intake(12, tx(3)),
        *training(13, [tx(3), labels(1)], fraud(2)),
        *release(14, fraud(2)),
    ]


@clean("validation")
def the_check_is_changed_with_approval() -> Steps:
    """A stricter configuration of the check is approved by bob before it is first used."""
    stricter = digest("checks 2")
    checks = config("ci", "checks", version=2, digest=stricter)
    return [
        *ordinary(),
        *approved(10, checks, hour=8),
        *intake(11, tx(2))[:2],
        *checked(11, tx(2), config_digest=stricter, rows_rejected=95),
        *approved(11, tx(2)),
        *training(12, [tx(2), labels(1)], fraud(2)),
        *release(13, fraud(2)),
    ]


@clean("validation")
def the_check_is_upgraded_as_it_is() -> Steps:
    """The checking tool gets a newer version; its configuration stays the same."""
    return [
        *ordinary(),
        *intake(11, tx(2))[:2],
        *checked(11, tx(2), tool_version="2.1", config_digest=CHECKS),
        *approved(11, tx(2)),
        *training(12, [tx(2), labels(1)], fraud(2)),
    ]


@clean("profile")
def the_season_moves_the_classes_a_little() -> Steps:
    """Fraud goes from 9.0 to 10.1 per cent before the holidays; near-duplicates as always."""
    steps: Steps = []
    for number, (bad, copies) in enumerate([(900, 90), (930, 120), (960, 100), (1_010, 110)]):
        counts = {"fraud": bad, "legit": 10_000 - bad}
        profile = {"rows": 10_000, "near_duplicates": copies, "label_counts": counts}
        steps += intake(4 + 7 * number, tx(number + 1), profile=profile)
    return steps


@clean("labels")
def a_label_review_with_normal_noise() -> Steps:
    """Six annotators correct two to eight of 400 labels each, both ways."""
    flips = [(2, 4), (8, 5), (3, 3), (5, 7), (4, 2), (6, 6)]
    reviews = [
        review(11, labels(2), f"annotator-{n}", there, back, hour=9 + n)
        for n, (there, back) in enumerate(flips)
    ]
    return [*ordinary(), *reviews]


@clean("labels")
def agreement_and_speed_vary_a_little() -> Steps:
    """Kappa goes between 0.82 and 0.88, an item takes between 11 and 17 seconds."""
    values = [(0.84, 12.0), (0.88, 17.0), (0.82, 11.0), (0.85, 15.0)]
    return [
        *ordinary(),
        *[
            review(
                11 + n,
                labels(2),
                f"annotator-{n % 3}",
                4,
                5,
                hour=10,
                agreement={"metric": "kappa", "value": kappa, "n": 400},
                latency_seconds=seconds,
            )
            for n, (kappa, seconds) in enumerate(values)
        ],
    ]


@clean("labels")
def frozen_labels_are_corrected_as_a_new_version() -> Steps:
    """Labels 1 are frozen; errors found later are corrected in labels 2."""
    return [
        *ordinary(),
        *registered(6, labels(1), who="labeller", hour=18, state="frozen"),
        *labelling(11, 2),
        *training(12, [tx(1), labels(2)], fraud(2)),
        *release(13, fraud(2)),
    ]


@clean("labels")
def a_teacher_labels_for_a_student() -> Steps:
    """Another team's model labels data for ours; the labels are checked and approved."""
    teacher = "model:registry/teacher@1"
    labelling_run = {"stage": "label", "reads": [teacher, tx(1)], "writes": [labels(2)]}
    return [
        *ordinary(),
        step(day(11), "labeller", "run", "fraud/auto-label", **labelling_run),
        *registered(11, labels(2), who="labeller", acquisition="internal", role="training"),
        *checked(11, labels(2), name="labels"),
        *approved(11, labels(2)),
        *training(12, [tx(1), labels(2)], fraud(2)),
    ]


@clean("feedback")
def feedback_is_sampled_reviewed_and_old() -> Steps:
    """900 submissions of 700 people, 300 looked at by bob, are used six weeks later."""
    seen = {
        "submissions": 900,
        "submitters": 700,
        "new_account_share": 0.04,
        "top_submitters": {"u-1": 0.01, "u-2": 0.008},
        "sampled": 300,
        "reviewed_by": "bob",
    }
    return [
        *ordinary(),
        *registered(4, FEEDBACK, role="feedback", acquisition="user", hour=8),
        step(day(4, 9), "ingest", "record_feedback", "app", FEEDBACK, **seen),
        *checked(4, FEEDBACK, hour=9.2),
        *approved(4, FEEDBACK, hour=9.5),
        *training(46, [tx(1), labels(1), FEEDBACK], fraud(2)),
        *release(47, fraud(2)),
    ]


@clean("trust zones")
def synthetic_data_is_promoted_with_approval() -> Steps:
    """Generated transactions go from the low zone to trusted after bob approved them."""
    made = dataset("lake", "generated", version=1, digest=digest("generated"))
    acquisition = {"method": "synthetic", "generator_digest": digest("generator")}
    zones = {"from_environment": "low", "to_environment": "trusted"}
    return [
        *ordinary(),
        *registered(7, made, acquisition=acquisition, trust_zone="low", role="training"),
        *checked(7, made),
        *approved(7, made),
        *approved(7, made, gate="promotion", by="alice", hour=15),
        step(day(8), "ingest", "promote", made, **zones),
    ]


@clean("quarantine")
def a_quarantine_is_lifted_by_another_person() -> Steps:
    """Outliers turn out to be Black Friday; carol, not the owner, releases with evidence."""
    found = {"reason": "sales day, confirmed by finance", "evidence": "finance-report"}
    return [
        *ordinary(),
        *intake(11, tx(2)),
        step(day(11, 18), "checker", "quarantine", tx(2), reason="outliers", owner="data-team"),
        step(
            day(14),
            "person:carol",
            "quarantine",
            tx(2),
            action="released",
            owner="data-team",
            reviewer="carol",
            **found,
        ),
        *training(15, [tx(2), labels(1)], fraud(2)),
        *release(18, fraud(2)),
    ]


@clean("quarantine")
def quarantined_data_stays_where_it_is() -> Steps:
    """Transactions 2 are quarantined; the weekly training goes on with version 3."""
    return [
        *ordinary(),
        *intake(11, tx(2)),
        step(day(11, 18), "checker", "quarantine", tx(2), reason="bad rows", owner="data-team"),
        *intake(14, tx(3)),
        *training(15, [tx(3), labels(1)], fraud(2)),
        *release(18, fraud(2)),
    ]


@clean("back-fill")
def the_quarter_before_is_trained_on() -> Steps:
    """Data collected months ago is registered today with its dates, checked, approved, used."""
    old = {"collected_at": moment(-90), "retrieved_at": moment(3)}
    return [
        *holdout(),
        *intake(4, tx(1), **old),
        *labelling(4),
        *training(5, [tx(1), labels(1)], fraud(1)),
        *release(6, fraud(1)),
        *cycle(2, 11),
    ]
