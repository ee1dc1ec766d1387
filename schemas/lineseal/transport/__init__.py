"""Moves sealed batches from producers to consumers; looks inside none of them."""
