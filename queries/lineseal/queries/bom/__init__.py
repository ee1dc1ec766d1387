"""What is a model made of, in the forms that others read: CycloneDX ML-BOM and SLSA provenance."""
