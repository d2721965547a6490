"""What an unquoted YAML scalar stands for.

As PyYAML's safe loader has it (YAML 1.1, without sexagesimals, dates, octals and binaries, which
are text here), but that `1e-3` is a number, as it is everywhere but in YAML 1.1.
"""

import re

MAX_DIGITS = 400  # more than any float64 written out has; int() itself refuses above 4,300

_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
BOOLEANS = {
    spelling: value
    for word, value in _WORDS.items()
    for spelling in (word, word.capitalize(), word.upper())
}
NULLS = ("", "~", "null", "Null", "NULL")
INTEGER = re.compile(r"[-+]?(0|[1-9][0-9_]*|0x[0-9a-fA-F]+)")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
SPECIAL_FLOAT = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")  # octal to some readers of YAML, decimal to others


def resolve_scalar(text: str) -> object:
    """The null, boolean, number or text that the plain scalar `text` stands for.

    Raises:
        ValueError: a whole number of more digits than could be of use.
    """
    if text in NULLS:
        return None
    if text in BOOLEANS:
        return BOOLEANS[text]
    if SPECIAL_FLOAT.fullmatch(text):
        return float(text.replace(".", ""))
    if INTEGER.fullmatch(text):
        if len(text) > MAX_DIGITS:
            raise ValueError("the number has too many digits")
        return int(text.replace("_", ""), 16 if "x" in text else 10)
    if FLOAT.fullmatch(text) and not LEADING_ZERO.fullmatch(text):
        return float(text)
    return text
