"""Builds OpenLineage events for tests, as plain JSON values."""
