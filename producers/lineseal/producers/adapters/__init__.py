"""Brings in what other systems already say: OpenLineage, DVC. The emitter imports none of it."""
