"""Turns the log into the store: verify, decode, apply, resolve, commit.

``materialise.Materialiser`` is the loop body, ``store.Store`` the DuckDB file, ``cli`` the
command. What an event means as rows is in ``apply`` (pure); how facts become the lineage graph
is in ``sql/resolve`` (ADR-0004).
"""
