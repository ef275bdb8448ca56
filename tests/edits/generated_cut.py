"""An analysed and cut conversation of a minute and three people, a fresh copy for each test."""

import shutil

import pytest
from generated_store import generate_analysis, make_film

from otio_speakerzoom import pipeline
from otio_speakerzoom.edits import Programme
from otio_speakerzoom.pipeline import Job


@pytest.fixture(scope="session")
def analysed_film(tmp_path_factory):
    film = make_film(tmp_path_factory.mktemp("film"), 60, 25)
    generate_analysis(film, 3)
    pipeline.cut(Job(film))
    return film


@pytest.fixture
def cut_job(analysed_film, tmp_path):
    folder = Job(analysed_film).folder
    shutil.copytree(folder, tmp_path / folder.name)
    return Job(analysed_film, tmp_path)


@pytest.fixture
def programme(cut_job):
    return Programme(cut_job)
