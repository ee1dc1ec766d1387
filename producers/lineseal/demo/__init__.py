"""A real training pipeline with a poisoned feed, traced and explained (DESIGN 9).

Everything here is what a user would write: the stages in ``pipeline/`` know the public emitter
and nothing else, the command calls the ``lineseal`` program and reads what it prints.
"""
