"""Pure: functions of mapping, rows and state; no clock, no database, no broker.

A batch goes through `cells` (what was read), `columns` (typed, or rejected with reasons), `derive`,
`canonical` (the model's fields), `entities` (what each row says of objective, key result, check-in, outcome) and
`versions` (which of that is new).
"""
