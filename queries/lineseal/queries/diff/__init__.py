"""What changed between two versions of a model? Compares their whole ancestries."""
