"""Label flips, rubber stamps and feedback floods."""

from __future__ import annotations

from lineseal.producers import dataset
from tests.scenarios.company import (
    approved,
    checked,
    cycle,
    day,
    fraud,
    holdout,
    intake,
    labels,
    ordinary,
    registered,
    review,
    training,
    tx,
)
from tests.scenarios.play import digest, step
from tests.scenarios.story import Steps, incident

FEEDBACK = dataset("lake", "feedback", version=1, digest=digest("feedback 1"))


@incident("label flips", {"DP-013": "one annotator makes nearly all flips, all toward one class"})
def an_annotator_sells_fraud_as_legit() -> Steps:
    """One of four annotators turns 300 of 400 fraud labels into legit; the others flip five."""
    return [*ordinary(), review(11, labels(2), "annotator-9", 300, 0, hour=12), *_others(11)]


@incident("label flips", {"DP-013": "the session's flips all come from one annotator"})
def flips_spread_over_small_sessions() -> Steps:
    """One annotator flips 40 fraud labels to legit in each of eight reviews of one day."""
    reviews = [review(11, labels(2), "annotator-9", 40, 0, hour=9 + n * 0.5) for n in range(8)]
    return [*ordinary(), *reviews, *_others(11)]


@incident("label flips", {"DP-012": "fraud went from 9 to 45 per cent between two versions"})
def the_class_balance_tips() -> Steps:
    """The second version's profile has five times the usual share of fraud."""
    usual = {"rows": 10_000, "label_counts": {"fraud": 900, "legit": 9_100}}
    tipped = {"rows": 10_000, "label_counts": {"fraud": 4_500, "legit": 5_500}}
    return [*intake(4, tx(1), profile=usual), *intake(11, tx(2), profile=tipped)]


@incident("injection", {"DP-011": "45 per cent near-duplicates against a baseline of 1"})
def near_copies_are_injected() -> Steps:
    """After three ordinary versions one comes with 4,500 near-duplicates in 10,000 rows."""
    steps: Steps = []
    for number, copies in enumerate([90, 110, 100, 4_500]):
        profile = {"rows": 10_000, "near_duplicates": copies}
        steps += intake(4 + 7 * number, tx(number + 1), profile=profile)
    return steps


@incident("insider", {"DP-014": "hundreds of items at 0.3 s each: nobody looked"})
def a_reviewer_rubber_stamps() -> Steps:
    """A reviewer passes 2,000 items, each in 0.3 seconds, after months of 14 seconds."""
    fast = review(11, labels(2), "annotator-1", 0, 0, hour=12, items=2_000, latency_seconds=0.3)
    return [*ordinary(), fast]


@incident("label flips", {"DP-014": "agreement fell from 0.86 to 0.31"})
def agreement_collapses() -> Steps:
    """A later round of the same annotators on the same work agrees no more than by chance."""
    low = {"metric": "kappa", "value": 0.31, "n": 400}
    rounds = [
        review(11, labels(2), f"annotator-{n}", 5, 5, hour=10 + n, agreement=low) for n in range(3)
    ]
    return [*ordinary(), *rounds]


@incident("label flips", {"DP-015": "labels changed after the freeze of that version"})
def frozen_labels_are_rewritten() -> Steps:
    """Labels are frozen on Monday; on Thursday a run writes the same version again."""
    frozen = labels(2, "rewritten")
    return [
        *registered(4, labels(2), who="labeller", state="frozen", role="training"),
        *checked(4, labels(2)),
        *approved(4, labels(2)),
        step(day(7), "labeller", "run", "fraud/label", stage="label", writes=[frozen]),
    ]


@incident("label flips", {"DP-015": "a review flips labels of a version frozen days before"})
def frozen_labels_are_reviewed_once_more() -> Steps:
    """A review dated four days after the freeze flips a dozen labels of the frozen version."""
    return [
        *ordinary(),
        *registered(6, labels(1), who="labeller", hour=18, state="frozen"),
        review(10, labels(1), "annotator-1", 6, 6, hour=12),
    ]


@incident("feedback flood", {"DP-023": "twelve mostly new accounts give nearly all feedback"})
def a_few_new_accounts_flood_the_feedback() -> Steps:
    """Twelve accounts, nine in ten of them new, send 10,000 submissions; reviewed, then used."""
    flood = {"submissions": 10_000, "submitters": 12, "new_account_share": 0.9}
    top = {"u-1": 0.55, "u-2": 0.2, "u-3": 0.1}
    return [*_feedback(4, **flood, top_submitters=top), *_train_on_feedback(46)]


@incident("feedback flood", {"DP-023": "one large share of the feedback comes from one submitter"})
def one_submitter_dominates_the_feedback() -> Steps:
    """Of 3,000 submissions by 150 people one pseudonym sent 80 per cent."""
    flood = {"submissions": 3_000, "submitters": 150, "new_account_share": 0.05}
    return [*_feedback(4, **flood, top_submitters={"u-7": 0.8}), *_train_on_feedback(46)]


@incident("feedback flood", {"DP-035": "feedback of an hour before, inside any delay window"})
def fresh_feedback_goes_straight_into_training() -> Steps:
    """Broadly spread and reviewed feedback is trained on one hour after it came."""
    calm = {"submissions": 900, "submitters": 700, "new_account_share": 0.04}
    return [*_feedback(4, **calm, top_submitters={"u-1": 0.01}), *_train_on_feedback(4)]


@incident("feedback flood", {"DP-035": "nobody reviewed the feedback that was trained on"})
def unreviewed_feedback_is_trained_on() -> Steps:
    """Old enough and broadly spread, but neither sampled nor reviewed by anybody."""
    calm = {"submissions": 900, "submitters": 700, "new_account_share": 0.04}
    unseen = _feedback(4, **calm, top_submitters={"u-1": 0.01}, sampled=0, reviewed_by=None)
    return [*unseen, *_train_on_feedback(46)]


@incident(
    "label flips",
    {
        "DP-013": "one annotator makes all flips",
        "DP-014": "14 seconds became 0.2 and agreement fell",
        "DP-012": "the flips show in the class counts",
    },
)
def a_labelling_vendor_is_bought() -> Steps:
    """One annotator flips 900 of 1,000 at 0.2 s, kappa 0.2, and the new profile shows it."""
    low = {"metric": "kappa", "value": 0.2, "n": 1_000}
    before = {"rows": 10_000, "label_counts": {"fraud": 2_000, "legit": 8_000}}
    after = {"rows": 10_000, "label_counts": {"fraud": 500, "legit": 9_500}}
    bought = {"items": 1_000, "latency_seconds": 0.2, "agreement": low}
    return [
        *cycle(1),
        *holdout(),
        *registered(8, labels(1), who="labeller", profile=before),
        *registered(11, labels(2), who="labeller", profile=after),
        *_others(11),
        review(11, labels(2), "annotator-9", 900, 0, hour=12, **bought),
    ]


def _others(at: float) -> Steps:
    return [
        review(at, labels(2), f"annotator-{n}", 2, 3, hour=15 + n / 10, items=400) for n in range(3)
    ]


def _feedback(at: float, **values: object) -> Steps:
    seen = {"sampled": 300, "reviewed_by": "bob", **values}
    return [
        *registered(at, FEEDBACK, role="feedback", acquisition="user", hour=8),
        step(day(at, 9), "ingest", "record_feedback", "app", FEEDBACK, **seen),
        *checked(at, FEEDBACK, hour=9.2),
        *approved(at, FEEDBACK, hour=9.5),
    ]


def _train_on_feedback(at: float) -> Steps:
    return training(at, [FEEDBACK], fraud(1), hour=10)
