"""Captures facts about a job: digests of its files, its code, its environment.

Everything here reads and nothing writes; what could not be read is left out of the event.
"""
