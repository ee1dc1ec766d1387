"""Scripted incidents; importing this package collects them all."""

from tests.scenarios.incidents import data, evidence, labels, models, people, supply

__all__ = ["data", "evidence", "labels", "models", "people", "supply"]
