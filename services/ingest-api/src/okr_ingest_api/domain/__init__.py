"""The rules of reading an API: no clock, no network, no database, no broker."""
