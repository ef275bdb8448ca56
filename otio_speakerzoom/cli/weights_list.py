"""The list of trained networks that `speakerzoom weights` prints."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING

from otio_speakerzoom.weights import catalogue, fetch, quick_fetch

if TYPE_CHECKING:
    from rich.console import Console


def show_weights(console: Console, names: Container[str]) -> None:
    """Print the licence, the sources and the place on this machine of each of these networks."""
    for item in catalogue.read_catalogue():
        if item.name not in names:
            continue
        path = fetch.find(item.name)
        facts = {
            "file": f"{item.file}, sha256 {item.sha256}",
            "licence": item.licence,
            "from": "\n            ".join([*item.sources, *item.by_hand]) or "this project",
            "here": str(path) if path else _why_missing(item.name),
        }
        lines = [f"{item.name}: {item.what}", *(f"  {k:<8}  {v}" for k, v in facts.items())]
        console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)
    console.print(
        "`speakerzoom weights fetch NAME` gets one; `sync-asd` is here, `motion` needs none."
    )


def _why_missing(name: str) -> str:
    reason = quick_fetch.failure(name)
    return f"no; it could not be fetched within the last day: {reason}" if reason else "no"
