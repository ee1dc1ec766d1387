"""A real Kafka broker for the tests: where it comes from, how it is started, paused and killed."""
