"""What the tests of the forwarder share: hostile documents, receivers, reference data."""
