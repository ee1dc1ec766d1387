"""Reads who used or was granted what from the audit logs of other systems."""
