"""monitor: watches the whole flow. Model performance, data quality, health, drift, alerts, and a page that shows it."""
