"""Records where things come from."""

from __future__ import annotations

from lineseal.producers.artifacts import SubjectLike
from lineseal.producers.bodies.recorder import Fields, Moment, Recorder
from lineseal.schemas.model import Acquisition, Profile, Registration, Source, Supplier


class SupplyMethods(Recorder):
    """Register artifacts, stages and sources."""

    def register(
        self,
        subject: SubjectLike,
        *,
        owner: str | None = None,
        source: str | Source | Fields | None = None,
        role: str | None = None,
        state: str | None = None,
        opaque: bool = False,
        trust_zone: str | None = None,
        risk_tier: str | None = None,
        supplier: str | Supplier | Fields | None = None,
        acquisition: str | Acquisition | Fields | None = None,
        collected_at: Moment | None = None,
        retrieved_at: Moment | None = None,
        submitted_by: str | None = None,
        licence: str | None = None,
        reviewer: str | None = None,
        publisher_digest: str | None = None,
        publisher_signature: str | None = None,
        manifest_root: str | None = None,
        profile: Profile | Fields | None = None,
        attributes: Fields | None = None,
    ) -> str | None:
        """Register an artifact, stage or source with its owner and provenance.

        Args:
            subject: A REF, an artifact, or ``source:NAME``, ``stage:NAME`` and so on.
            owner: Who answers for it.
            source: Where it came from: a URI, or the fields of ``Source``.
            role: training, holdout, challenge, golden or feedback.
            state: draft, frozen or retired.
            opaque: What it was made from is not disclosed; its ancestry is never complete.
            trust_zone: The zone it is in.
            risk_tier: Its tier.
            supplier: Who supplied it: a name, or the fields of ``Supplier``.
            acquisition: internal, partner, purchased, scraped, synthetic or user, or the fields
                of ``Acquisition``.
            collected_at: When the data was collected.
            retrieved_at: When it was fetched from the source.
            submitted_by: Who handed it in.
            licence: The licence it comes under.
            reviewer: Who reviewed it.
            publisher_digest: The digest its publisher gives.
            publisher_signature: The signature its publisher gives.
            manifest_root: Digest over its manifest, ``sha256:`` and 64 hex characters.
            profile: The fields of ``Profile``, as ``lineseal profile`` measures them.
            attributes: Anything else worth keeping, by name.

        """
        values = {
            "subject": subject,
            "owner": owner,
            "state": state,
            "role": role,
            "trust_zone": trust_zone,
            "risk_tier": risk_tier,
            "source": source,
            "supplier": supplier,
            "acquisition": acquisition,
            "collected_at": collected_at,
            "retrieved_at": retrieved_at,
            "submitted_by": submitted_by,
            "licence": licence,
            "reviewer": reviewer,
            "publisher_digest": publisher_digest,
            "publisher_signature": publisher_signature,
            "manifest_root": manifest_root,
            "profile": profile,
            "opaque": opaque,
            "attributes": attributes,
        }
        return self.record(Registration, values)
