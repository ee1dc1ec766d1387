"""Ships alerts and human decisions to a SIEM.

The store is read in the order of ingestion into a *feed*: one numbered series of documents, kept
in a file of its own. Every sink has its place in the feed and moves on only past what the
receiver has confirmed. Source: DESIGN 7; ``docs/siem``.
"""
