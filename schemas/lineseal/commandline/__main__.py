"""Runs the program as ``python -m lineseal.commandline``."""

from lineseal.commandline.program import main

main()
