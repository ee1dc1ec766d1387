"""What a record of AWS CloudTrail says about access to data.

Taken are the data events of S3 (objects), and what gives or takes access: bucket policies and ACLs,
IAM policies and credentials, grants of Lake Formation and KMS. Everything else is left out, and so
is a request that neither went through nor was denied (``NoSuchKey``, throttling): nothing was used.

* **Who**: the ARN. For an assumed role it is the role's, since the name of a session says nothing
  about who came back; for a role of IAM Identity Center it is the session's, which is the person.
* **What**: OpenLineage's names: ``s3://BUCKET`` and the key; ``arn:aws:glue:REGION:ACCOUNT`` and
  ``table/DATABASE/TABLE``.

Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
and .../cloudtrail-event-reference-user-identity.html, S3 user guide "cloudtrail-logging-s3-info".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, cast

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

_READ, _WRITE, _GRANT, _REVOKE, _CREATE = (
    AccessAction.READ,
    AccessAction.WRITE,
    AccessAction.GRANT,
    AccessAction.REVOKE,
    AccessAction.CREATE,
)
_S3: Final = {
    "GetObject": _READ,
    "GetObjectTorrent": _READ,
    "SelectObjectContent": _READ,
    "PutObject": _WRITE,
    "CopyObject": _WRITE,
    "CompleteMultipartUpload": _WRITE,
    "DeleteObject": _WRITE,
    "DeleteObjects": _WRITE,
    "RestoreObject": _WRITE,
    "CreateBucket": _CREATE,
    "DeleteBucket": _WRITE,
    "PutBucketPolicy": _GRANT,
    "PutBucketAcl": _GRANT,
    "PutObjectAcl": _GRANT,
    "DeleteBucketPublicAccessBlock": _GRANT,
    "DeleteBucketPolicy": _REVOKE,
    "PutBucketPublicAccessBlock": _REVOKE,
}
_IAM: Final = {
    "AttachUserPolicy": _GRANT,
    "AttachRolePolicy": _GRANT,
    "AttachGroupPolicy": _GRANT,
    "PutUserPolicy": _GRANT,
    "PutRolePolicy": _GRANT,
    "PutGroupPolicy": _GRANT,
    "AddUserToGroup": _GRANT,
    "UpdateAssumeRolePolicy": _GRANT,
    "DetachUserPolicy": _REVOKE,
    "DetachRolePolicy": _REVOKE,
    "DetachGroupPolicy": _REVOKE,
    "DeleteUserPolicy": _REVOKE,
    "DeleteRolePolicy": _REVOKE,
    "DeleteGroupPolicy": _REVOKE,
    "RemoveUserFromGroup": _REVOKE,
}
_IAM_KEYS: Final = {
    "CreateAccessKey": _CREATE,
    "CreateLoginProfile": _CREATE,
    "DeleteAccessKey": _REVOKE,
    "DeleteLoginProfile": _REVOKE,
}
_LAKE: Final = {"GrantPermissions": _GRANT, "RevokePermissions": _REVOKE}
_KMS: Final = {"CreateGrant": _GRANT, "RevokeGrant": _REVOKE, "RetireGrant": _REVOKE}
_DENIED: Final = ("AccessDenied", "Unauthorized", "Forbidden", "NotAuthorized")
_SSO_ROLE: Final = "/aws-reserved/sso.amazonaws.com/"

_Target = tuple[AccessAction, Subject, str | None]


def is_cloudtrail(value: dict[str, Any]) -> bool:
    """Tell whether a JSON object is a record of CloudTrail."""
    return "eventSource" in value and "eventName" in value and "userIdentity" in value


def is_beside_cloudtrail(value: dict[str, Any]) -> bool:
    """Tell whether it lies beside the records and tells of no call: a digest file, an insight."""
    is_digest = "digestS3Bucket" in value and "logFiles" in value
    return is_digest or value.get("eventType") == "AwsCloudTrailInsight"


def read_cloudtrail(document: Document, notes: Notes) -> Told | None:
    """Return what a record says; None when it is about no access to data.

    Raises:
        InvalidDocument: It has no time, or does not say who did what to what.

    """
    record = Node(document.value, notes)
    outcome = _outcome(record.text("errorCode"))
    targets = [] if outcome is None else [*_targets(record)][: MAX_ACCESSES + 1]
    if outcome is None or not targets:
        return None
    if len(targets) > MAX_ACCESSES:
        notes.add("too_many_grantees")
    moment = read_moment(record.value.get("eventTime"), notes)
    if moment is None:
        raise InvalidDocument("eventTime is missing, or no time from 1970 to 9999")
    principal = required(_principal(record.node("userIdentity")), "userIdentity", notes)
    reason = _reason(record, document)
    accesses = tuple(
        Access(
            principal=principal,
            action=action,
            resource=resource,
            outcome=outcome,
            granted_to=names.identifier(grantee, notes),
            reason=reason,
        )
        for action, resource, grantee in targets[:MAX_ACCESSES]
    )
    return Told(
        format="cloudtrail",
        record_id=record.text("eventID"),
        event_time=moment,
        accesses=tuple(dict.fromkeys(accesses)),
    )


def _outcome(error: str | None) -> AccessOutcome | None:
    if error is None:
        return AccessOutcome.ALLOWED
    return AccessOutcome.DENIED if any(word in error for word in _DENIED) else None


def _principal(identity: Node) -> str | None:
    arn = identity.text("arn")
    issuer = identity.node("sessionContext").node("sessionIssuer").text("arn")
    if identity.text("type") == "AssumedRole" and issuer is not None and _SSO_ROLE not in issuer:
        return issuer
    on_behalf = identity.node("onBehalfOf").text("userId")
    others = (identity.text(key) for key in ("invokedBy", "userName", "principalId", "accountId"))
    return arn or on_behalf or next((text for text in others if text is not None), None)


def _reason(record: Node, document: Document) -> str:
    """Return what ties the access to the record: call, source, session, digest."""
    identity = record.node("userIdentity")
    said = {
        "from": record.text("sourceIPAddress"),
        "session": identity.text("arn") if identity.text("type") == "AssumedRole" else None,
        "source identity": identity.node("sessionContext").text("sourceIdentity"),
        "version": record.node("requestParameters").text("versionId"),
        "error": record.text("errorCode"),
        "cloudtrail event": record.text("eventID"),
        "document": document.digest,
    }
    call = f"{record.text('eventSource')}:{record.text('eventName')}"
    return fit(", ".join([call, *(f"{key} {value[:512]}" for key, value in said.items() if value)]))


def _targets(record: Node) -> Iterator[_Target]:
    name = record.text("eventName") or ""
    asked = record.node("requestParameters")
    match record.text("eventSource"):
        case "s3.amazonaws.com" if name in _S3:
            yield from _s3(name, asked, record)
        case "iam.amazonaws.com" if name in _IAM or name in _IAM_KEYS:
            yield from _iam(name, asked, record)
        case "lakeformation.amazonaws.com" if name in _LAKE:
            yield from _lake(name, asked, record)
        case "kms.amazonaws.com" if name in _KMS:
            key = asked.text("keyId")
            if key is None:
                raise InvalidDocument("requestParameters.keyId is missing")
            yield _KMS[name], thing("key", key, record.notes), asked.text("granteePrincipal")
        case _:
            return


def _s3(name: str, asked: Node, record: Node) -> Iterator[_Target]:
    action, bucket, key = _S3[name], asked.text("bucketName"), asked.text("key")
    if bucket is None:
        raise InvalidDocument("requestParameters.bucketName is missing")
    namespace = f"s3://{bucket}"
    keys = [key] if key is not None else [*_keys_of(record, bucket)]
    # Without a key it is the whole bucket, or CloudTrail does not say which of its objects.
    for each in keys or ["*"]:
        resource = dataset(namespace, each, record.notes)
        if action is _GRANT:
            yield from ((action, resource, who) for who in _grantees(asked))
        else:
            yield action, resource, None
    if name == "CopyObject":
        source = asked.text("x-amz-copy-source")
        if source is not None and "/" in source.strip("/"):
            from_bucket, _, from_key = source.lstrip("/").partition("?")[0].partition("/")
            yield _READ, dataset(f"s3://{from_bucket}", from_key, record.notes), None


def _keys_of(record: Node, bucket: str) -> Iterator[str]:
    start = f":s3:::{bucket}/"
    for resource in record.nodes("resources"):
        _, found, key = (resource.text("ARN") or "").partition(start)
        if found and key:
            yield key


def _grantees(asked: Node) -> list[str | None]:
    """Return whom a bucket's policy or ACL names; [None] when it does not say."""
    found: list[str | None] = []
    policy = asked.value.get("bucketPolicy")
    if isinstance(policy, str):
        try:
            policy = json.loads(policy)
        except (ValueError, RecursionError):
            asked.notes.add("policy_unreadable")
    for statement in _listed(Node(policy, asked.notes).value.get("Statement")):
        node = Node(statement, asked.notes)
        if node.text("Effect") == "Allow":
            found += _principals(node.value.get("Principal"))
    return [*dict.fromkeys(found)][: MAX_ACCESSES + 1] or [None]


def _principals(value: Any) -> list[str]:
    if isinstance(value, dict):
        kinds = cast("dict[str, Any]", value).values()
        return [text for kind in kinds for text in _principals(kind)]
    return [text for text in _listed(value) if isinstance(text, str)]


def _listed(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value  # pyright: ignore[reportUnknownVariableType]
    return [] if value is None else [value]


def _iam(name: str, asked: Node, record: Node) -> Iterator[_Target]:
    account = record.text("recipientAccountId") or ""
    whom = next(
        (
            f"arn:aws:iam::{account}:{kind}/{text}"
            for kind in ("user", "role", "group")
            if (text := asked.text(f"{kind}Name")) is not None
        ),
        None,
    )
    if name in _IAM_KEYS:
        # Without a name in the request it is the caller's own.
        owner = whom or _principal(record.node("userIdentity")) or ""
        yield _IAM_KEYS[name], thing("key", f"{owner} {name[6:]}", record.notes), whom
        return
    own = asked.text("policyName")
    policy = asked.text("policyArn") or (f"{whom} {own}" if own else None)
    group = asked.text("groupName")
    if policy is None and group is not None:
        policy = f"arn:aws:iam::{account}:group/{group}"
    yield _IAM[name], thing("policy", policy or f"{whom} trust policy", record.notes), whom


def _lake(name: str, asked: Node, record: Node) -> Iterator[_Target]:
    table = asked.node("resource").node("table") or asked.node("resource").node("tableWithColumns")
    database = table.text("databaseName") or asked.node("resource").node("database").text("name")
    if database is None:
        return  # a location, a tag or the catalogue itself
    account = asked.text("catalogId") or record.text("recipientAccountId") or ""
    namespace = f"arn:aws:glue:{record.text('awsRegion') or ''}:{account}"
    resource = dataset(namespace, f"table/{database}/{table.text('name') or '*'}", record.notes)
    yield _LAKE[name], resource, asked.node("principal").text("dataLakePrincipalIdentifier")
