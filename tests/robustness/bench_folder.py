"""The fixture `bench`: a folder in which verbs run, and processes that run them."""

import pytest
from bench import Bench


@pytest.fixture(scope="module")
def bench(make_clip, tmp_path_factory):
    bench = Bench(tmp_path_factory.mktemp("bench"), make_clip("talk.mp4", seconds=8))
    yield bench
    bench.close()
