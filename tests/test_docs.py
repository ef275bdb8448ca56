"""Tables in docs/ say what the code says."""

import ast
from dataclasses import fields
from pathlib import Path

from otio_speakerzoom import parsing
from otio_speakerzoom.director import style

ROOT = Path(__file__).parent.parent


def style_table():
    """A row per value of `Style`: its name, its flag, its preset values, its docstring."""
    body = ast.parse(Path(style.__file__).read_text()).body
    (made,) = [node for node in body if isinstance(node, ast.ClassDef)]
    texts = {
        field.target.id: " ".join(ast.literal_eval(text.value).split())
        for field, text in zip(made.body, made.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
    }
    rows = ["| value | flag | standard | calm | lively | |", "|---|---|---|---|---|---|"]
    for field in fields(style.Style):
        values = [
            getattr(style.PRESETS[name], field.name) for name in ("standard", "calm", "lively")
        ]
        told = [v if isinstance(v, str) else f"{v:.4g}" for v in values]
        told[1:] = [v if v != told[0] else "" for v in told[1:]]
        flag = parsing.style_flag(field.name)
        rows.append(f"| `{field.name}` | `{flag}` | {' | '.join(told)} | {texts[field.name]} |")
    return "\n".join(rows)


def test_every_value_of_a_style_is_explained_as_in_the_code():
    assert style_table() in (ROOT / "docs" / "style.md").read_text()
