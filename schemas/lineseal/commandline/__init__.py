"""What every Lineseal command shares: the program, exit codes, output formats, progress.

Commands themselves live beside what they command and are found through the entry-point group
``lineseal.commands`` (one entry per command: ``name = "module:click_command"``), so that no
module imports every layer and ``lineseal run`` never loads DuckDB.
"""
