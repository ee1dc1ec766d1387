"""Hostile records, one folder for each way to be wrong, and what makes them again."""
