"""Writes what somebody needs to check an answer without us: ``lineseal evidence``.

A case is one zip file: the sealed batches an answer rests on, their proofs in the store's log, its
checkpoints, the keyrings, the answer, what people decided, and a verifier of its own
(``bundle/verify.py``), which does not import Lineseal. The same store gives the same bytes.
"""
