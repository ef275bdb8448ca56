"""The mailbox and the messages of the script."""

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otio_speakerzoom.errors import StoreError
from otio_speakerzoom.plugins import mailbox, messages


def line(kind="answer", request="ab12", seconds=None, **fields):
    rows = ",".join(f"{name}={value.encode().hex()}" for name, value in fields.items())
    return f"SPEAKERZOOM1:{kind}:{request}:{seconds or int(time.time())}:{rows}:END".encode()


@pytest.fixture
def quiet_home(monkeypatch, tmp_path):
    """A machine without Resolve."""
    monkeypatch.setattr(messages, "preference_files", lambda: [tmp_path / "Fusion.prefs"])


@pytest.mark.parametrize(
    ("platform", "environ", "path"),
    [
        ("linux", {}, "/home/ann/.local/share/speakerzoom/resolve"),
        ("darwin", {}, "/home/ann/Library/Application Support/SpeakerZoom/resolve"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/SpeakerZoom/resolve"),
        ("linux", {"SPEAKERZOOM_MAILBOX": "/elsewhere"}, "/elsewhere"),
    ],
)
def test_each_system_has_its_place_for_the_mailbox(platform, environ, path):
    assert mailbox.mailbox_folder(environ, Path("/home/ann"), platform) == Path(path)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_the_mailbox_is_for_its_user_only_also_if_it_was_open_before(tmp_path):
    folder = tmp_path / "resolve"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)

    mailbox.open_mailbox(folder)

    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_link_is_no_mailbox(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")

    with pytest.raises(StoreError, match="is a link"):
        mailbox.open_mailbox(tmp_path / "link")


def test_a_file_in_the_place_of_the_mailbox_is_reported(tmp_path):
    (tmp_path / "resolve").write_text("")

    with pytest.raises(StoreError, match="cannot be written"):
        mailbox.open_mailbox(tmp_path / "resolve")


def test_a_recipe_lies_there_only_while_somebody_waits_for_it(tmp_path):
    folder = mailbox.open_mailbox(tmp_path / "resolve")

    def interrupted():
        with mailbox.post(folder, "return {}\n", "{}"):
            assert (folder / mailbox.RECIPE).read_text() == "return {}\n"
            assert (folder / mailbox.TIMELINE).read_text() == "{}"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [path.name for path in folder.iterdir()] == [mailbox.OUTBOX]


@given(st.dictionaries(st.sampled_from(("name", "why", "a_b")), st.text()))
def test_a_message_comes_out_of_a_file_as_it_went_in(fields):
    content = b'{\n\tGlobal = { SpeakerZoom = { Answer = "' + line(**fields) + b'", },\n'

    (message,) = messages.parse(content)

    assert (message.kind, message.id) == ("answer", "ab12")
    assert message.fields == tuple(fields.items())


def test_what_resolve_says_is_one_line_in_a_message_of_ours():
    content = line(state="refused", reason="no\nproject\u2028is open", remains="x" * 5000)

    (message,) = messages.parse(content)

    assert message.describe().startswith("answer; state: refused; reason: no project is open; ")
    assert message.text("reason") == "no project is open"
    assert len(message.texts("remains")) == messages.MAX_TEXT


def test_a_long_damaged_message_takes_no_time():
    damaged = b"SPEAKERZOOM1:answer:1:2:" + b"a=" * 20 + b"a=b" * 5000 + b":EN"

    assert not list(messages.parse(damaged))  # each end of a value was tried with each of the next


def test_half_a_message_is_none():
    whole = line(name="Talk", state="done")

    assert not [m for end in range(len(whole)) for m in messages.parse(whole[:end])]


@pytest.mark.parametrize("text", [b"", b"SPEAKERZOOM1:answer:1:2:a=f:END", b"\xff\x00" * 50])
def test_what_is_no_message_is_passed_over(text):
    assert not list(messages.parse(text))


def test_the_last_word_on_a_request_is_its_answer(tmp_path, quiet_home):
    now = int(time.time())
    (tmp_path / mailbox.ANSWER).write_bytes(line(seconds=now, state="building"))
    (tmp_path / "Fusion.prefs").write_bytes(
        line(seconds=now, state="done") + line(request="other", state="refused")
    )

    answer = messages.answer_to("ab12", tmp_path)

    assert answer is not None
    assert answer.get("state") == "done"
    assert messages.answer_to("none", tmp_path) is None


def test_a_hand_over_counts_once_and_while_it_is_fresh(tmp_path, quiet_home):
    now = int(time.time())
    path = tmp_path / mailbox.HAND_OVER

    path.write_bytes(line("clips", seconds=now, path="/film/talk.mp4"))
    fresh = messages.hand_over(0, tmp_path)
    assert fresh is not None
    assert fresh.all("path") == ["/film/talk.mp4"]
    assert messages.hand_over(fresh.time, tmp_path) is None

    path.write_bytes(line("clips", seconds=now - messages.MAX_HAND_OVER_AGE_S - 1, path="/a"))
    assert messages.hand_over(0, tmp_path) is None


def test_the_preferences_of_every_profile_are_read(tmp_path):
    profile = tmp_path / ".local/share/DaVinciResolve/Fusion/Profiles/Default"
    profile.mkdir(parents=True)
    (profile / "Fusion.prefs").write_bytes(b"")

    assert profile / "Fusion.prefs" in messages.preference_files({}, tmp_path, "linux")
