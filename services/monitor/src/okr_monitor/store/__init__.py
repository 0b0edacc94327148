"""The databases as the monitor sees them: it reads all four, and writes reports and alerts into okr_ops."""
