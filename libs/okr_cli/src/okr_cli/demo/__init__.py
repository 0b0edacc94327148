"""`okr demo`: a true story on real data, told with the system's public interfaces only."""
