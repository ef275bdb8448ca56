"""Requests as the page sends them, to the app with a copy of a film open."""

import asyncio
import json
import shutil

from service_client import AppClient


class Opened:
    """The app with a fresh copy of a film open; a context."""

    def __init__(self, film, parent):
        self._film, self._folder = film, parent / "talk"

    def __enter__(self):
        shutil.rmtree(self._folder, ignore_errors=True)
        shutil.copytree(self._film.parent, self._folder)
        self._runner = asyncio.Runner()
        return AppClient(self._runner, self._folder / self._film.name)

    def __exit__(self, *_):
        self._runner.close()


def change(client, method, path, value, revision, **options):
    """Send a change as the page does."""
    headers = {**client.headers(), "if-match": f'"{revision}"'}
    body = json.dumps(value).encode()
    return client.send(method, client.base + path, list(headers.items()), body, **options)


def read(client, path, **options):
    """Send a request that reads, as the page does."""
    return client.send("GET", client.base + path, list(client.headers().items()), **options)
