"""Damages bytes and text: flips, cuts, copies, and what parsers have always tripped over."""

import json
import math

NUMBERS = (
    0, -1, 1, 2, 3, 7, 255, 256, 65535, 2**31 - 1, 2**31, -(2**31), 2**32, 2**53, 2**53 + 1,
    2**63 - 1, 2**63, 2**64, 10**30, 0.5, -0.0, 1e-320, 1e-9, 1e15, 1e300, -1e308, math.nan,
    math.inf, -math.inf, 29.97, 1 / 3,
)  # fmt: skip
TEXTS = (
    "", " ", "x", "0", "-1", "nan", "NaN", "inf", "1e999", "9" * 30, "9" * 5000, "1/0", "0/0",
    "1/0s", "-4s", "5s", "1001/30000s", "1 2", "5 5 5", "00:00:01:12", "99:99:99;99", "true",
    "null",
    "None", "[]", "{}", "../../etc/passwd", "/etc/passwd", "file://[", "file:///etc/passwd",
    "http://127.0.0.1:1/x", "C:\\talk.mp4", "talk.mp4", "a\nb", "a\r\nb", "a\0b", "\x1b[31mred",
    "\u2028", "\u202etxt.exe", "\ud800", "e\u0301", "ﷺ" * 40, "👩‍👩‍👧‍👦", "\ufeff", "٣",
    "<b>&amp;", "]]>", "'\"`$(id)", "%s%n", "A" * 3000, "wide", "resolve", "lane", "-", "--",
)  # fmt: skip
"""Wrong numbers, paths, other alphabets' digits, control characters, half a surrogate pair."""
TOKENS = (
    b"\0", b"\xff" * 4, b"\xff\xfe", b"\xef\xbb\xbf", b"\n", b"\r", b"{", b"}", b"[" * 40, b"]",
    b'"', b"\\", b"\\u0000", b"\\ud800", b",", b":", b"1e9999", b"-", b"NaN", b"Infinity", b"<",
    b">", b"</", b"<!--", b"<![CDATA[", b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"&a;", b"&#0;", b"<?",
    b"=", b"'''", b"[[", b"#", b"\x80\x00\x00\x00", b"\x7f\xff\xff\xff", b"\xed\xa0\x80",
)  # fmt: skip


def damage_bytes(random, data, others=()):
    """Return the bytes with one to four changes; `others` are inputs to take pieces from."""
    data = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 3, 4))):
        _CHANGES[random.randrange(len(_CHANGES))](random, data, others)
    return bytes(data)


def _flip(random, data, others):
    if data:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _set(random, data, others):
    if data:
        data[random.randrange(len(data))] = random.choice((0, 1, 0x7F, 0x80, 0xFF, 0x20, 0x30))


def _remove(random, data, others):
    start, end = _span(random, data)
    del data[start:end]


def _repeat(random, data, others):
    start, end = _span(random, data)
    data[end:end] = data[start:end] * random.choice((1, 1, 2, 30))


def _truncate(random, data, others):
    del data[random.randrange(len(data) + 1) :]


def _insert(random, data, others):
    at = random.randrange(len(data) + 1)
    token = random.choice(TOKENS) if random.random() < 0.8 else random.randbytes(8)
    data[at:at] = token


def _splice(random, data, others):
    other = random.choice(others) if others else bytes(data)
    start, end = _span(random, other)
    at = random.randrange(len(data) + 1)
    data[at : at + random.choice((0, end - start))] = other[start:end]


_CHANGES = (_flip, _flip, _set, _remove, _repeat, _truncate, _insert, _insert, _splice)


def _span(random, data):
    """Return a stretch of the data, mostly a short one."""
    start = random.randrange(len(data) + 1)
    length = random.choice((1, 2, 4, 8, 32, 200, len(data)))
    return start, min(len(data), start + random.randrange(length + 1))


def number_near(random, value):
    """Return a number that is a little, or very much, off."""
    kind = random.randrange(5)
    if kind == 0 or isinstance(value, bool) or not isinstance(value, int | float):
        return random.choice(NUMBERS)
    if kind == 1:
        return value + random.choice((-1, 1, 2, -2, 0.5))
    if kind == 2:
        return -value
    if kind == 3:
        return value * random.choice((2, 10, 1000, 0.5, 1e9))
    return float(value) if isinstance(value, int) and abs(value) < 2**53 else str(value)


# --- JSON -----------------------------------------------------------------------------------------

RAW = "\ue000raw{}\ue001"
"""Stands for text that is put into the document as it is."""
RAW_TEXTS = (
    "[" * 1500 + "]" * 1500, '{"a":' * 3000 + "1" + "}" * 3000, "9" * 5000, "-" + "9" * 400 + ".5",
    "1e-5000", "0" * 40 + "1", "tru", "{]", '"\\x"', "1 2", '{"a": 1, "a": 2}', "[" * 200,
)  # fmt: skip
"""What no value of Python's becomes: deep nesting, endless digits, a key twice, bad syntax."""


def damage_json(random, value, others=()):
    """Return the text of a JSON value with one to four changes to its tree.

    `others` are values to take subtrees from.
    """
    holder = [json.loads(json.dumps(value))]
    for _ in range(random.choice((1, 1, 1, 1, 2, 4))):
        _change_node(random, holder, others)
    text = json.dumps(holder[0], ensure_ascii=random.random() < 0.5)
    for n, raw in enumerate(RAW_TEXTS):
        for written in (RAW.format(n), json.dumps(RAW.format(n))[1:-1]):
            text = text.replace(f'"{written}"', raw)
    data = text.encode("utf-8", "surrogatepass")
    return damage_bytes(random, data) if random.random() < 0.1 else data


def damage_values_of(random, value):
    """Return the text of a JSON value in which one to three numbers or texts are others."""
    holder = [_copy(value)]
    leaves = [(n, k) for n, k in nodes(holder) if not isinstance(n[k], dict | list)]
    for node, key in random.sample(leaves, min(len(leaves), random.choice((1, 1, 2, 3)))):
        if isinstance(node[key], str) and random.random() < 0.5:
            node[key] = random.choice(TEXTS)
        elif isinstance(node[key], str):
            other, other_key = random.choice(leaves)
            node[key] = other[other_key]
        else:
            node[key] = number_near(random, node[key])
    return json.dumps(holder[0]).encode("utf-8", "surrogatepass")


def nodes(value):
    """Return (container, key) of everything inside a value."""
    found, stack = [], [value]
    while stack:
        node = stack.pop()
        pairs = node.items() if isinstance(node, dict) else enumerate(node)
        for key, child in pairs:
            found.append((node, key))
            if isinstance(child, dict | list) and child:
                stack.append(child)
    return found


def _change_node(random, holder, others):
    places = nodes(holder)
    node, key = random.choice(places)
    kind = random.randrange(13)
    if kind < 3:
        node[key] = _junk(random, node[key])
    elif kind == 3:
        del node[key]
        if not holder:
            holder.append({})
    elif kind == 4 and isinstance(node, list):
        node[key:key] = [node[key]] * random.choice((1, 1, 5, 100))
    elif kind == 5:
        other, other_key = random.choice(places)
        node[key], other[other_key] = _copy(other[other_key]), _copy(node[key])
    elif kind == 6 and isinstance(node, dict):
        name = random.choice([k for _, k in places if isinstance(k, str)] or ["x"])
        node[random.choice((name, random.choice(TEXTS)))] = node.pop(key)
    elif kind == 7 and others:
        other, other_key = random.choice(nodes([random.choice(others)]))
        node[key] = _copy(other[other_key])
    elif kind == 8 and isinstance(node[key], list | dict) and node[key]:
        _shorten(random, node[key])
    else:
        node[key] = number_near(random, node[key])


def _copy(value):
    return json.loads(json.dumps(value))


def _shorten(random, value):
    if isinstance(value, list):
        random.shuffle(value)
        del value[random.randrange(len(value)) :]
    else:
        for key in random.sample(sorted(value), random.randrange(len(value)) + 1):
            del value[key]


def _junk(random, value):
    kind = random.randrange(8)
    if kind == 0:
        return random.choice((None, True, False, [], {}, [[]], [None], {"": None}))
    if kind == 1:
        return [value] if random.random() < 0.5 else {"value": value}
    if kind == 2:
        return str(value) if not isinstance(value, str) else [*value][:50]
    if kind == 3:
        return RAW.format(random.randrange(len(RAW_TEXTS)))
    if kind < 6:
        return random.choice(TEXTS)
    return random.choice(NUMBERS)
