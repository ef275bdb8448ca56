"""A film that is analysed and cut."""

import shutil
from pathlib import Path

import generated_store
import pytest
from service_client import FRAMES

from otio_speakerzoom import pipeline
from otio_speakerzoom.pipeline import Job


@pytest.fixture(scope="session")
def cut_film(make_clip, tmp_path_factory):
    """Six seconds of two people with a generated analysis, cut; not to be changed."""
    folder = tmp_path_factory.mktemp("talk")
    film = Path(shutil.copy(make_clip("talk.mp4", seconds=FRAMES // 25), folder / "talk.mp4"))
    generated_store.generate_analysis(film, 2)
    pipeline.cut(Job(film))
    return film
