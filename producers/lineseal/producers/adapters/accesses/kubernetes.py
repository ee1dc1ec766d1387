"""What an event of a Kubernetes audit log says about access.

Taken are secrets, volume claims, processes started in pods, and what gives access: roles, their
bindings and tokens; more resources where asked for. A request that failed for another reason than
being forbidden is left out, and so are the stages before there is an answer. A volume claim is a
data set ``k8s://CLUSTER`` ``NAMESPACE/persistentvolumeclaims/NAME``; an event does not name its
cluster, so whoever imports it does.

Source: https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from lineseal.producers.adapters.accesses.told import (
    MAX_ACCESSES,
    Told,
    dataset,
    required,
    thing,
)
from lineseal.producers.adapters.openlineage import names
from lineseal.producers.adapters.openlineage.document import Document
from lineseal.producers.adapters.openlineage.moments import read_moment
from lineseal.producers.adapters.openlineage.reading import Node, Notes
from lineseal.producers.text import fit
from lineseal.schemas.errors import InvalidDocument
from lineseal.schemas.model import Access, AccessAction, AccessOutcome, Subject

_VERBS: Final = {
    "get": AccessAction.READ,
    "list": AccessAction.READ,
    "watch": AccessAction.READ,
    "create": AccessAction.CREATE,
    "update": AccessAction.WRITE,
    "patch": AccessAction.WRITE,
    "delete": AccessAction.WRITE,
    "deletecollection": AccessAction.WRITE,
}
_DATA: Final = ("persistentvolumeclaims", "persistentvolumes", "volumesnapshots")
_BINDINGS: Final = ("rolebindings", "clusterrolebindings")
_POLICIES: Final = (*_BINDINGS, "roles", "clusterroles")
_KEYS: Final = ("secrets", "serviceaccounts/token")
_SESSIONS: Final = ("pods/exec", "pods/attach", "pods/portforward")


def is_kubernetes(value: dict[str, Any]) -> bool:
    """Tell whether a JSON object is an audit event of Kubernetes."""
    version = value.get("apiVersion")
    is_audit = isinstance(version, str) and version.startswith("audit.k8s.io/")
    return is_audit and value.get("kind") == "Event"


class KubernetesReader:
    """Reads the audit events of one cluster."""

    def __init__(self, cluster: str, resources: Sequence[str] = ()) -> None:
        """Read events of *cluster*; *resources* are patterns of more resources to keep."""
        self._cluster = cluster
        self._resources = resources

    def __call__(self, document: Document, notes: Notes) -> Told | None:
        """Return what an event says; None when it is about no access that is kept.

        Raises:
            InvalidDocument: It has no time, or does not say who did what.

        """
        event = Node(document.value, notes)
        outcome = _outcome(event)
        resource = self._resource(event.node("objectRef"), notes)
        if outcome is None or resource is None:
            return None
        # Every stage of a request repeats this time, so that it is the same access.
        told_at = event.value.get("requestReceivedTimestamp", event.value.get("stageTimestamp"))
        moment = read_moment(told_at, notes)
        if moment is None:
            raise InvalidDocument("requestReceivedTimestamp is missing, or no time")
        verb = event.text("verb") or ""
        principal = required(event.node("user").text("username"), "user.username", notes)
        action = _action(verb, _resource_name(event.node("objectRef")))
        if action is None:
            return None
        accesses = tuple(
            Access(
                principal=principal,
                action=action,
                resource=resource,
                outcome=outcome,
                granted_to=names.identifier(grantee, notes),
                reason=_reason(event),
            )
            for grantee in _grantees(event, notes)
        )
        return Told(
            format="kubernetes",
            record_id=event.text("auditID"),
            event_time=moment,
            accesses=tuple(dict.fromkeys(accesses)),
        )

    def _resource(self, reference: Node, notes: Notes) -> Subject | None:
        name = _resource_name(reference)
        if not name:
            return None
        full = "/".join(
            part for part in (reference.text("namespace"), name, reference.text("name")) if part
        )
        if name in _DATA:
            return dataset(f"k8s://{self._cluster}", full, notes)
        named = f"k8s://{self._cluster}/{full}"
        if name in _POLICIES:
            return thing("policy", named, notes)
        if name in _KEYS:
            return thing("key", named, notes)
        group = reference.text("apiGroup")
        grouped = f"{group}/{name}" if group else name
        if name in _SESSIONS or any(names.fits_text(grouped, p) for p in self._resources):
            return thing("job", named, notes)
        return None


def _resource_name(reference: Node) -> str:
    name, sub = reference.text("resource") or "", reference.text("subresource")
    return f"{name}/{sub}" if sub and sub != "status" else name


def _outcome(event: Node) -> AccessOutcome | None:
    if event.text("stage") not in ("ResponseComplete", "ResponseStarted"):
        return None
    code = event.node("responseStatus").whole("code")
    decision = event.node("annotations").text("authorization.k8s.io/decision")
    if decision == "forbid" or code in (401, 403):
        return AccessOutcome.DENIED
    # A session that was upgraded is answered with 101.
    return AccessOutcome.ALLOWED if code is None or 100 <= code < 400 else None


def _action(verb: str, name: str) -> AccessAction | None:
    if name in _SESSIONS and verb in ("create", "get", "connect"):
        return AccessAction.CREATE
    if name in _POLICIES and verb not in ("get", "list", "watch"):
        return AccessAction.REVOKE if verb.startswith("delete") else AccessAction.GRANT
    return _VERBS.get(verb)


def _grantees(event: Node, notes: Notes) -> list[str | None]:
    """Return whom a binding names, as the user names of the log; [None] when it does not say."""
    if event.node("objectRef").text("resource") not in _BINDINGS:
        return [None]
    found = [*_subjects(event.node("requestObject")), *_subjects(event.node("responseObject"))]
    kept = [*dict.fromkeys(found)]
    if len(kept) > MAX_ACCESSES:
        notes.add("too_many_grantees")
    return [*kept[:MAX_ACCESSES]] or [None]


def _subjects(binding: Node) -> Iterator[str]:
    for subject in binding.nodes("subjects"):
        name = subject.text("name")
        if name is None:
            continue
        if subject.text("kind") == "ServiceAccount":
            yield f"system:serviceaccount:{subject.text('namespace') or ''}:{name}"
        else:
            yield name


def _reason(event: Node) -> str:
    """Return what ties the access to the event; the same for all stages of a request."""
    sources = event.value.get("sourceIPs")
    said = {
        "as": event.node("impersonatedUser").text("username"),
        "from": str(sources[0]) if isinstance(sources, list) and sources else None,  # pyright: ignore[reportUnknownArgumentType]
        "kubernetes audit": event.text("auditID"),
    }
    call = f"{event.text('verb')} {(event.text('requestURI') or '')[:1024]}"
    return fit(", ".join([call, *(f"{key} {value[:512]}" for key, value in said.items() if value)]))
