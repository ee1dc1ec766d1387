"""Writes what the store has in the forms of other systems."""
