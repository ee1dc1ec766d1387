"""The fast way from sealed bytes to rows: Avro to Arrow to DuckDB, without Python objects.

It accepts only what it is sure about. Every event it is not sure about, for whatever reason,
goes the reference way (``schemas.codec``, ``schemas.guard``, ``apply``), one by one: so each
verdict, each error code and each row is the same with and without it, and without ``pyruhvro``
installed the reference way is simply the only one. Source: DESIGN 7.
"""
