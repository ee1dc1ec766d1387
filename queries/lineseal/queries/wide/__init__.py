"""Makes answers of many thousand versions in columns, without an object for each (ADR-0025)."""
