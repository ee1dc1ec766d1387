"""Answers that say how sure they are: which data built this model, what did this data reach.

Import from the submodules. ``api`` holds the questions as typed functions, ``database`` opens the
store, ``catalog`` the SQL files under ``sql/`` (one question each). Nothing here writes.
"""
