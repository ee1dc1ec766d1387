"""Scripted stories, and the rules they raise."""
