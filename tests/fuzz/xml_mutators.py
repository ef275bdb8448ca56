"""Damages XML: elements and attributes of the tree, then what only text can hold."""

import copy
import re
import xml.etree.ElementTree as ET

from mutators import TEXTS, damage_bytes

ENCODINGS = ("utf-16", "utf-16-le", "latin-1", "utf-8-sig", "cp1252", "utf-32", "utf-7")
HEADS = (
    '<?xml version="1.0" encoding="klingon"?>', '<?xml version="1.1"?>',
    '<?xml version="1.0" encoding="UTF-16"?>', '<?xml version="1.0" encoding="idna"?>',
    '<?xml version="1.0" encoding="hex"?>', "<!DOCTYPE fcpxml>",
    '<!DOCTYPE a SYSTEM "file:///etc/passwd">',
    '<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;">]>',
    '<!DOCTYPE a [<!ENTITY % b SYSTEM "http://127.0.0.1:1/x">%b;]>', "<!-- -- -->", "\ufeff", " ",
)  # fmt: skip
"""What a file may begin with besides what editors write."""


def damage_xml(random, data, others=()):
    """Return a document with one to four changes; `others` are documents to take elements from."""
    if random.random() < 0.2:
        return damage_bytes(random, data, others)
    root = ET.fromstring(data)
    for _ in range(random.choice((1, 1, 1, 2, 3, 4))):
        root = _change(random, root, others)
    text = ET.tostring(root, encoding="unicode")
    for surrogate, junk in _UNWRITABLE:
        text = text.replace(surrogate, junk)
    if random.random() < 0.1:
        text = _change_text(random, text)
    encoding = random.choice(ENCODINGS) if random.random() < 0.05 else "utf-8"
    return text.encode(encoding, "replace" if encoding != "utf-8" else "surrogatepass")


_UNWRITABLE = [("\ue002", "&undefined;"), ("\ue003", "&#0;"), ("\ue004", "&#xD800;")]


def _change(random, root, others):
    elements = list(root.iter())
    parents = {child: parent for parent in elements for child in parent}
    element = random.choice(elements)
    kind = random.randrange(12)
    if kind < 4 and element.attrib:
        name = random.choice(sorted(element.attrib))
        element.set(name, _value(random, element.get(name), elements))
    elif kind == 4 and element.attrib:
        value = element.attrib.pop(random.choice(sorted(element.attrib)))
        if random.random() < 0.3:
            element.set(random.choice(_names(elements)), value)
    elif kind < 7:
        element.text = _value(random, element.text or "", elements)
    elif kind == 7 and element in parents:
        parents[element].remove(element)
    elif kind == 8 and element in parents:
        parent, n = parents[element], list(parents[element]).index(element)
        for _ in range(random.choice((1, 1, 2, 40))):
            parent.insert(random.choice((0, n, len(parent))), copy.deepcopy(element))
    elif kind == 9:
        source = elements
        if others and random.random() < 0.5:
            source = list(ET.fromstring(random.choice(others)).iter())
        element.insert(random.randrange(len(element) + 1), copy.deepcopy(random.choice(source)))
    elif kind == 10:
        element.tag = random.choice(elements).tag
    elif kind == 11 and element in parents:
        _wrap(random, parents[element], element)
    return root


def _wrap(random, parent, element):
    """Put an element into copies of itself."""
    n = list(parent).index(element)
    parent.remove(element)
    for _ in range(random.choice((1, 2, 20))):
        outer = ET.Element(element.tag, element.attrib)
        outer.append(element)
        element = outer
    parent.insert(n, element)


def _value(random, value, elements):
    kind = random.randrange(6)
    if kind < 2:
        return random.choice((*TEXTS, "\ue002", "\ue003", "\ue004")).replace("\0", "\ue003")
    if kind == 2:  # another value of the document, which may refer to something
        values = [v for e in elements for v in e.attrib.values()]
        return random.choice(values or [""])
    numbers = list(re.finditer(r"-?\d+(?:\.\d+)?", value))
    if not numbers:
        return random.choice(TEXTS).replace("\0", "")
    number = random.choice(numbers)
    new = random.choice(
        ("0", "-1", "1", "-0", "2", "1e9", "1e308", "1e400", "nan", "0.5", "2147483648",
        "99999999999",
         "9" * 25, "-" + number[0], number[0] + "0", number[0] + "1", number[0] + ".5", "1e-300")
    )  # fmt: skip
    return value[: number.start()] + new + value[number.end() :]


def _names(elements):
    return sorted({name for element in elements for name in element.attrib}) or ["id"]


def _change_text(random, text):
    kind = random.randrange(6)
    if kind == 5:
        places = [match.end() for match in re.finditer(">", text)]
        at, depth = random.choice(places), random.choice((150, 190, 250, 5000))
        return text[:at] + "<clip>" * depth + "</clip>" * depth + text[at:]
    if kind == 0:
        return random.choice(HEADS) + text
    if kind == 1:
        return f'<?xml version="1.0" encoding="UTF-8"?>\n{random.choice(HEADS)}{text}'
    if kind == 2:
        return text.replace("<", "<x:", 1)
    if kind == 3:
        return re.sub(r"(\w+)=", r"x:\1=", text, count=random.choice((1, 3)))
    return text + random.choice(("<a/>", "x", "\0", "<!-- a -->", "]]>"))
