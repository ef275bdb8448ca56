"""Fixtures: a talk that is analysed and cut, and a running service that has it open."""

import shutil

import generated_store
import pytest
from review_service import running

from otio_speakerzoom import pipeline
from otio_speakerzoom.pipeline import Job


@pytest.fixture(scope="session")
def cut_talk(make_clip, tmp_path_factory):
    """Eighteen seconds of two people with a generated analysis, cut; not to be changed."""
    folder = tmp_path_factory.mktemp("talk")
    film = shutil.copy(make_clip("talk.mp4", seconds=18, size="640x360"), folder / "talk.mp4")
    generated_store.generate_analysis(film, 2)
    pipeline.cut(Job(film))
    return film


@pytest.fixture
def talk(cut_talk, tmp_path):
    """A copy of the talk, to be changed."""
    folder = tmp_path / "talk"
    shutil.copytree(cut_talk.parent, folder)
    pipeline.cut(Job(folder / "talk.mp4"))
    return folder / "talk.mp4"


@pytest.fixture(scope="session")
def read_only(cut_talk):
    """A client of a service that has the talk open, for tests that only read."""
    with running(cut_talk) as (_, client):
        yield client


@pytest.fixture
def client(talk):
    """A client of a service of its own that has a copy of the talk open."""
    with running(talk) as (_, client):
        yield client
