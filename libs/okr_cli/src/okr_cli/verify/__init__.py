"""`okr verify`: the oracle of design §5. It imports no service code: SQL, a plain consumer, a csv reader."""
