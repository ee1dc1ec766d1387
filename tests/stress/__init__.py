"""Campaigns against the emitter and the materialiser; ``bench/`` runs them at length."""
