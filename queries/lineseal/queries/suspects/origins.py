"""Does everything in this ancestry say where it comes from? Else it may come from the suspect.

A registration that names no source, no supplier and no way of acquisition says only that somebody
knows the thing. Where the question is what came from a source, that proves nothing (ADR-0024).
"""

from __future__ import annotations

from typing import Any

import duckdb

from lineseal.queries.completeness import Defect, Vertex, make_defect
from lineseal.queries.graph import Lineage
from lineseal.queries.statements import load_statements
from lineseal.queries.suspects.suspects import Suspects
from lineseal.queries.times import Moment


def origins_untold(
    connection: duckdb.DuckDBPyConnection, up: Lineage, suspects: Suspects, moment: Moment
) -> dict[Vertex, set[Defect]]:
    """Find leaves of a walk upstream whose registrations do not say where they come from."""
    if not suspects.origin:
        return {}
    leaves = [
        node
        for node in up.nodes
        if not any(edge.run in up.inputs for edge in up.writers.get(node, ()))
    ]
    statements = load_statements(connection, leaves, moment)
    found: dict[Vertex, set[Defect]] = {}
    for leaf in leaves:
        registered = [
            said
            for said in statements.get(leaf, ())
            if said.body == "registration" and said.fields["origin"] != "import"
        ]
        # What nobody registered is a defect of its own.
        if registered and not any(
            said.untrusted is None and _tells_origin(said.fields) for said in registered
        ):
            sentence = (
                f"no registration of {up.nodes[leaf].reference} says where it comes from: "
                "source, supplier or acquisition"
            )
            found[leaf] = {make_defect("origin_untold", sentence)}
    return found


def _tells_origin(fields: dict[str, Any]) -> bool:
    source, supplier = fields["source"] or {}, fields["supplier"] or {}
    acquisition = fields["acquisition"] or {}
    told = (source.get("uri"), source.get("publisher"), supplier.get("name"))
    return any(told) or acquisition.get("method") is not None
