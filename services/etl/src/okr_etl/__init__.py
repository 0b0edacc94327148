"""etl: raw rows become one clean, versioned OKR model; its documents are curated as a second step."""
