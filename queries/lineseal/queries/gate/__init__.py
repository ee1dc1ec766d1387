"""May this be trained on, promoted, rolled back to? Gates: a policy, rules, reasons."""
