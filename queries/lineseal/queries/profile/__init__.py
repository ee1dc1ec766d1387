"""Profiles a data set in a local file: what ``lineseal profile`` prints."""
