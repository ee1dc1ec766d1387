"""Holds the edges of the lineage graph in memory, so that a hop costs no statement."""

from lineseal.consumers.graph.keeper import GraphKeeper

__all__ = ["GraphKeeper"]
