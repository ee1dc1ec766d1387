"""Evidence that Lineseal keeps its promises, grouped by kind: see CONTRIBUTING.md."""
