"""Records which policy the detections run with, so that a change of it is a fact (DP-025).

The shipped defaults need no record. Whatever differs from the policy this store last ran with is
registered in the log as ``policy:detections`` with its digest, under the key of the detections.
"""

from __future__ import annotations

from lineseal.consumers.detect.policy import Policy, make_policy
from lineseal.consumers.logs import get_logger
from lineseal.consumers.store import Store, write_fact
from lineseal.queries.rules import shipped_rules
from lineseal.schemas.errors import KeyMissing
from lineseal.schemas.model import Pair, Registration, Subject
from lineseal.settings import Home, PolicySettings, Settings
from lineseal.signing.holder import Holder
from lineseal.transport.saying import say

POLICY_SUBJECT = "detections"
POLICY_SEEN = "policy_sha256"
"""Store fact: digest of the policy the detections last ran with."""

_LAST = (
    "SELECT arg_max(manifest_root, (event_time, event_id)) FROM registration"
    " WHERE subject.type = 'policy' AND subject.name = $name"
)


def record_policy(home: Home, settings: Settings, store: Store, policy: Policy) -> bool:
    """Register the policy when it is another one than before; return whether it was.

    Raises:
        LogError: The log cannot be written.

    """
    before = store.fact(POLICY_SEEN) or _last_recorded(store)
    default = make_policy(PolicySettings(), shipped_rules()).sha256
    if before == policy.sha256:
        return False
    recorded = False
    if before is not None or policy.sha256 != default:
        recorded = _register(home, settings, policy.sha256, before)
    with store.transaction() as connection:
        write_fact(connection, POLICY_SEEN, policy.sha256)
    return recorded


def _last_recorded(store: Store) -> str | None:
    row = store.connection.execute(_LAST, {"name": POLICY_SUBJECT}).fetchone()
    return None if row is None else row[0]


def _register(home: Home, settings: Settings, sha256: str, before: str | None) -> bool:
    body = Registration(
        subject=Subject(type="policy", name=POLICY_SUBJECT),
        manifest_root=sha256,
        attributes=() if before is None else (Pair(key="previous", value=before),),
    )
    try:
        say(home, settings, Holder.parse(settings.detect.producer), body)
    except KeyMissing as error:
        get_logger().warning("the change of [policy] is not recorded", reason=str(error))
        return False
    return True
