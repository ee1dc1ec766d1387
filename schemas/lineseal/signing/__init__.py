"""Who said it: sealing batches, verifying them, and the keys behind both.

Import from the submodules: ``sealer`` and ``signers`` to seal; ``verify`` and ``keyring_file`` to
verify; ``keys``, ``merkle``, ``frame`` and ``envelope`` for the formats; ``commands`` for the
command line.
"""
