"""Imports what other systems wrote to files: OpenLineage events, ``dvc.lock``."""
