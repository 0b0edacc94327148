"""The rules of reading CSV files: no clock, no disk, no database, no broker."""
