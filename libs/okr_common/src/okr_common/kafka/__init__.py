"""Kafka: the only package that imports confluent-kafka."""
