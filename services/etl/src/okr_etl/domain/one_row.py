"""Whether an expression looks at one row's cells alone: what it computes must be the same wherever a file is cut."""

import re

_TEXT = re.compile(r"'(?:[^']|'')*'")
_REMARK = re.compile(r"--|/\*")
_NAME = re.compile(r"(?:\"[^\"]*\"|`[^`]*`)(?!\s*\()")
_CALLED = re.compile(r"(?:\"[^\"]*\"|`[^`]*`|\w+)(?=\s*\()")
_ALONE = re.compile(r"(?i)\b(?:OVER|SELECT|CURRENT_DATE|CURRENT_TIME|CURRENT_TIMESTAMP|LOCALTIME|LOCALTIMESTAMP)\b")
_CLOCKS = {"NOW", "CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "LOCALTIME", "LOCALTIMESTAMP"}
FUNCTIONS: tuple[str, ...] = (
    *("CAST", "TRY_CAST", "COALESCE", "NULLIF", "IFNULL", "IF", "GREATEST", "LEAST"),
    *("ABS", "CBRT", "CEIL", "CEILING", "DIV", "EXP", "FLOOR", "LN", "LOG", "LOG10", "LOG1P", "LOG2", "MOD", "PI"),
    *("POW", "POWER", "ROUND", "SIGN", "SQRT"),
    *("CHAR_LENGTH", "CHARACTER_LENGTH", "CONCAT", "CONCAT_WS", "ENDS_WITH", "INITCAP", "LEFT", "LENGTH", "LOWER"),
    *("LTRIM", "NORMALIZE", "OCTET_LENGTH", "POSITION", "REGEXP_LIKE", "REPLACE", "REVERSE", "RIGHT", "RTRIM"),
    *("SPLIT_PART", "STARTS_WITH", "STRPOS", "SUBSTR", "SUBSTRING", "TRIM", "UPPER"),
    *("STRING_TO_ARRAY", "ARRAY_CONTAINS", "ARRAY_GET", "ARRAY_LENGTH", "ARRAY_LOWER", "ARRAY_MEAN", "ARRAY_REVERSE"),
    *("ARRAY_SUM", "ARRAY_TO_STRING", "ARRAY_UNIQUE", "ARRAY_UPPER"),
    *("DATE", "DATE_PART", "DATETIME", "EXTRACT", "STRFTIME", "STRPTIME", "TIMESTAMP"),
)
"""Those of polars' SQL that an expression may call."""
_WORDS = {
    "AND",
    "OR",
    "NOT",
    "IN",
    "IS",
    "LIKE",
    "ILIKE",
    "RLIKE",
    "REGEXP",
    "BETWEEN",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "FROM",
}
_TYPES = {"VARCHAR", "CHAR", "DECIMAL", "NUMERIC", "FLOAT"}
_ALLOWED = {*FUNCTIONS, *_WORDS, *_TYPES}


def strange(text: str) -> str | None:
    """What in an expression looks beyond its row, as a sentence; None where nothing does.

    polars itself cannot tell: it calls DATE(...) no function of one row.

    >>> strange("COALESCE(target, 1) + value"), strange("value / MAX(value)")
    (None, "MAX looks at other rows, and a file comes in parts; use one row's cells")
    >>> strange("EXTRACT(YEAR FROM NOW())")
    "NOW is another time whenever the row is read; use one row's cells, or file:day"
    """
    said = _NAME.sub("_", _TEXT.sub("''", text))
    if _REMARK.search(said):
        return "an expression holds no remark (-- or /*); leave it out"
    for called in (*_CALLED.findall(said), *_ALONE.findall(said)):
        name = called.upper()
        if name in _CLOCKS:
            return f"{name} is another time whenever the row is read; use one row's cells, or file:day"
        if name not in _ALLOWED:
            return f"{name} looks at other rows, and a file comes in parts; use one row's cells"
    return None
