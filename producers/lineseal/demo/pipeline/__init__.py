"""The stages of the demo: small scripts, one process each, instrumented as a user would.

Run from the demo folder: ``python -m lineseal.demo.pipeline.train 1``. A stage reads and writes
files under the current folder and prints one line that says what it did.
"""
