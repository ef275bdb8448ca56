"""A libav without x264, such as one that is built without parts under the GPL."""

import logging

import av
import pytest

from otio_speakerzoom.errors import ToolError
from otio_speakerzoom.model import Box, CutList, Shot
from otio_speakerzoom.render import encoders
from otio_speakerzoom.render.film import render_film
from otio_speakerzoom.service.proxy import make_proxy, proxy_path
from otio_speakerzoom.source import probe

REMEDY = "pip install --force-reinstall --only-binary av av"


@pytest.fixture
def without_x264(monkeypatch):
    monkeypatch.setattr(av, "codecs_available", av.codecs_available - {"libx264", "libx264rgb"})


def test_a_film_is_mpeg4_and_a_warning_says_what_helps(without_x264, make_clip, tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    media = probe(make_clip("short.mp4", seconds=1))
    cut_list = CutList(media, media.size, (Shot(media.range, (), Box(0, 0, *media.size)),))
    render_film(cut_list, tmp_path / "film.mp4")

    with av.open(str(tmp_path / "film.mp4")) as film:
        assert film.streams.video[0].codec.name == "mpeg4"
        assert len(list(film.decode(video=0))) == media.duration
    (line,) = caplog.messages
    assert line.startswith("the installed PyAV has no libx264, so the film is encoded as mpeg4")
    assert REMEDY in line


def test_x264_by_name_is_refused_with_what_helps(without_x264):
    with pytest.raises(ToolError, match=REMEDY):
        encoders.check_encoder("x264")


def test_a_preview_file_that_no_browser_plays_is_not_made(without_x264, make_clip, tmp_path):
    media = probe(make_clip("short.mp4", seconds=1))
    path = proxy_path(tmp_path, media.path)
    with pytest.raises(ToolError, match=f"browsers play H.264, .*{REMEDY}"):
        make_proxy(media, path, lambda *_: None)

    assert not path.exists()
