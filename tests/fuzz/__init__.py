"""Coverage-guided fuzzing of everything that reads bytes which are not trusted yet."""
