"""One example of ``lineseal emit`` for each body, shown by ``--help`` and run by a test."""

from __future__ import annotations

EXAMPLES: dict[str, str] = {
    "run": "--job fraud/train --stage train --state COMPLETE --run-id {run_id}"
    " --inputs dataset:lake/transactions@3 --outputs model:registry/fraud@7 --metrics auc=0.93",
    "registration": "--subject dataset:lake/partner-feed@3 --owner data-team --role training"
    " --source https://partner.example/feed --acquisition partner"
    " --collected-at 2026-03-01T00:00:00+00:00",
    "validation": "--artifact dataset:lake/transactions@3 --check.tool cleanlab"
    " --check.name label-issues --outcome warn --rows-checked 10000 --rows-rejected 12",
    "evaluation": "--model model:registry/fraud@7 --suite holdout-2026 --suite.kind holdout"
    " --outcome pass --metrics auc=0.93",
    "quarantine": "--artifact dataset:lake/partner-feed@3 --action placed"
    " --reason 'labels flipped' --evidence report.html",
    "approval": "--as alice --subject model:registry/fraud@7 --gate promotion --decision approve"
    " --reason 'beats model 6 on all slices'",
    "promotion": "--artifact model:registry/fraud@7 --action promote --to-environment production",
    "override": "--as alice --target dataset:lake/partner-feed@3 --before reject --after accept"
    " --reason 'false alarm, see ticket 12' --items-affected 12",
    "label_review": "--label-set label_set:lake/transactions-labels@3 --method human"
    " --annotator bob --items 500 --flips fraud=ok=7",
    "feedback": "--channel app-store --artifact dataset:lake/feedback@9 --submissions 1200"
    " --label-counts spam=300 --label-counts ham=900",
    "access": "--principal svc-etl --action read --resource dataset:lake/transactions@3"
    " --outcome allowed",
    "containment": "--as alice --subject source:partner-feed --action freeze"
    " --reason 'poisoned since March'",
    "incident": "--incident-id INC-7 --state opened --subjects source:partner-feed"
    " --cause 'flipped labels'",
    "verdict": "--gate promotion --subject model:registry/fraud@7 --decision reject"
    " --reasons 'no approval'",
    "key_change": "--key-id {hex} --action rotated --changed-by alice --reason yearly",
    "erasure": "--erased-event-id {run_id} --leaf-sha256 {hex} --reason 'request 41'",
}
"""Body to options; ``{run_id}`` stands for a UUID, ``{hex}`` for 64 hex characters."""
