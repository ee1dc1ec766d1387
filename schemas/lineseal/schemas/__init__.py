"""The event contract: models, Avro schemas, codec, errors, limits.

Import from the submodules: ``model``, ``codec``, ``errors``, ``guard``, ``ids``, ``limits``,
``reference``. This package imports nothing else of Lineseal.
"""
