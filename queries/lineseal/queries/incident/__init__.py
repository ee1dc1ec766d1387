"""What belongs to an incident? One record: findings, orders, evidence, cause, failed control."""
