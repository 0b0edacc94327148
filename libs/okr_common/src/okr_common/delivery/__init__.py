"""Delivery (design §5): PostgreSQL holds each fact once; Kafka carries it at least once, under one id."""
