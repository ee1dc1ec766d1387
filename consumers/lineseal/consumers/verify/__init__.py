"""Tells whether the store still says what was received, and whether all outside agrees.

``lineseal verify`` believes nothing but keys: it computes every leaf, root, chain and row again
from the signed bytes that the store keeps, and compares with every checkpoint it can find. Nothing
here writes the store. Source: DESIGN 7; reference 2.6, point 6.
"""
