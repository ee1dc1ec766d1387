"""Clean variations of normal work, which must raise nothing; importing collects them all."""

from tests.scenarios.clean import data, operations, people, releases

__all__ = ["data", "operations", "people", "releases"]
