"""Sending a cut to Resolve, installing the script there, and what the command line says of both."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from host import Host
from test_script import assert_equals_plan, talk

from otio_speakerzoom.cli.main import main
from otio_speakerzoom.errors import SpeakerZoomError, StoreError
from otio_speakerzoom.plugins import (
    mailbox,
    messages,
    outbox,
    resolve_direct,
    resolve_install,
    resolve_script,
    resolve_send,
)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A machine of its own, with the folders of Resolve inside it."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv(mailbox.VARIABLE, raising=False)
    scripts = tmp_path / "all" / "Utility"
    own = resolve_script.script_folder

    def folder(*, all_users, **options):
        return scripts if all_users else own(all_users=False, **options)

    monkeypatch.setattr(resolve_install, "script_folder", folder)
    return tmp_path / "home"


@pytest.fixture
def fast(monkeypatch):
    monkeypatch.setattr(resolve_send, "POLL_INTERVAL_S", 0.01)


def run_menu_when_a_recipe_waits(resolve):
    """A user who chooses the script from the menu, as soon as there is something to build."""

    def user():
        end = time.monotonic() + 10
        while not (resolve.mailbox / mailbox.RECIPE).exists() and time.monotonic() < end:
            time.sleep(0.01)
        resolve.run()

    thread = threading.Thread(target=user)
    thread.start()
    return thread


def send_to(resolve, monkeypatch, **options):
    monkeypatch.setattr(messages, "preference_files", lambda: [resolve.preferences])
    thread = run_menu_when_a_recipe_waits(resolve)
    states = []
    try:
        delivery = resolve_send.send(
            resolve.cut_list, resolve.mailbox, on_state=states.append, **options
        )
    finally:
        thread.join()
    return delivery, states


# --- send -----------------------------------------------------------------------------------------


def test_a_sent_cut_is_built_and_nothing_stays_in_the_mailbox(tmp_path, monkeypatch, fast):
    resolve = Host(tmp_path, talk())

    delivery, states = send_to(resolve, monkeypatch)

    assert (delivery.name, delivery.way, delivery.notes) == ("Gespräch", "direct", ())
    assert states[0] == "waiting"
    assert_equals_plan(resolve.timelines["Gespräch"], resolve.cut_list)
    assert not (resolve.mailbox / mailbox.RECIPE).exists()
    assert not (resolve.mailbox / mailbox.TIMELINE).exists()


def test_each_answer_is_in_the_log_which_does_not_grow_for_ever(tmp_path, monkeypatch, fast):
    resolve = Host(tmp_path, talk())
    log = resolve.mailbox / mailbox.LOG
    log.write_text("old\n" * mailbox.MAX_LOG_BYTES)

    send_to(resolve, monkeypatch)

    lines = log.read_text("utf-8").splitlines()
    assert log.stat().st_size < 4 * mailbox.MAX_LOG_BYTES
    assert "3 shots in" in lines[-1]
    assert "way: direct; name: Gespräch" in lines[-1]
    assert "state: done" in lines[-1]


def test_the_sender_learns_that_a_file_was_imported_and_why(tmp_path, monkeypatch, fast):
    delivery, _ = send_to(Host(tmp_path, talk(), set_property="ignored"), monkeypatch)

    assert delivery.way == "otio"
    assert "because the clip at frame 0" in delivery.notes[0]


def test_the_sender_learns_that_the_project_was_not_saved(tmp_path, monkeypatch, fast):
    delivery, _ = send_to(Host(tmp_path, talk(), untitled=True), monkeypatch)

    assert delivery.notes == ("the project is not saved; save it in Resolve",)


def test_a_refusal_says_why_and_how_to_import_by_hand(tmp_path, monkeypatch, fast):
    with pytest.raises(SpeakerZoomError, match=r"offline in Resolve.*speakerzoom export Gespräch"):
        send_to(Host(tmp_path, talk(), offline=True), monkeypatch)


def test_what_resolve_cannot_delete_is_named_to_the_sender(tmp_path, monkeypatch, fast):
    resolve = Host(tmp_path, talk(), delete_fails=True, set_property="ignored")

    with pytest.raises(SpeakerZoomError, match="delete what is left by hand: Gespräch"):
        send_to(resolve, monkeypatch)


def test_if_nobody_runs_the_script_nothing_is_left_to_be_built_later(tmp_path, fast):
    folder = tmp_path / "mailbox"

    with pytest.raises(SpeakerZoomError, match="nobody ran the script"):
        resolve_send.send(talk(), folder, max_wait_s=0.05)
    assert not (folder / mailbox.RECIPE).exists()


def test_a_second_sender_waits_for_the_first(tmp_path, monkeypatch, fast):
    first, second = Host(tmp_path, talk()), talk(shots=talk().shots[:1])
    monkeypatch.setattr(messages, "preference_files", lambda: [first.preferences])
    failures = []

    def send_second():
        with pytest.raises(SpeakerZoomError) as caught:
            resolve_send.send(second, first.mailbox, max_wait_s=0.05)
        failures.append(str(caught.value))

    waiting = threading.Event()

    def on_state(state):
        if not waiting.is_set():
            other.start()
            waiting.set()

    other = threading.Thread(target=send_second)
    thread = threading.Thread(target=lambda: (waiting.wait(10), time.sleep(0.2), first.run()))
    thread.start()
    delivery = resolve_send.send(talk(), first.mailbox, on_state=on_state)
    thread.join()
    other.join()

    assert delivery.way == "direct"
    assert "nobody ran" in failures[0]


def test_a_name_composed_in_another_way_is_found(tmp_path, monkeypatch, fast):
    decomposed = "/film/Gespra\u0308ch.mp4"
    resolve = Host(tmp_path, talk(media=replace(talk().media, path=Path(decomposed))))
    resolve.cut_list = talk()

    delivery, _ = send_to(resolve, monkeypatch)

    assert delivery.way == "direct"


def test_an_answer_to_another_request_is_not_taken(tmp_path, monkeypatch, fast):
    resolve = Host(tmp_path, talk())
    resolve.answer()
    monkeypatch.setattr(messages, "preference_files", lambda: [resolve.preferences])

    with pytest.raises(SpeakerZoomError, match="nobody ran"):
        resolve_send.send(talk(), resolve.mailbox, max_wait_s=0.05)


def test_free_resolve_answers_through_its_preferences_and_studio_also_by_a_file(tmp_path):
    for edition, has_file in (("free", False), ("studio", True)):
        resolve = Host(tmp_path / edition, talk(), edition)
        resolve.answer()

        assert (resolve.mailbox / mailbox.ANSWER).exists() is has_file
        assert b"SPEAKERZOOM1:answer:" in resolve.preferences.read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_ctrl_c_leaves_nothing_that_would_be_built_by_surprise(tmp_path):
    program = (
        "import sys; from pathlib import Path; sys.path[:0] = sys.argv[2:]\n"
        "from test_script import talk\n"
        "from otio_speakerzoom.plugins.resolve_send import send\n"
        "send(talk(), Path(sys.argv[1]))\n"
    )
    folder, here = tmp_path / "mailbox", Path(__file__).parent
    process = subprocess.Popen(
        [sys.executable, "-c", program, folder, here, here.parent], stderr=subprocess.DEVNULL
    )
    end = time.monotonic() + 60
    while not (folder / mailbox.RECIPE).exists() and time.monotonic() < end:
        time.sleep(0.02)
    assert (folder / mailbox.RECIPE).exists()

    process.send_signal(signal.SIGINT)

    assert process.wait(30) != 0
    assert not (folder / mailbox.RECIPE).exists()
    assert not (folder / mailbox.TIMELINE).exists()


def test_sending_before_there_is_a_cut_says_what_to_do(make_clip, home, capsys):
    source = make_clip("uncut.mp4")

    assert main(["send", str(source), "--to", "resolve"]) == 1
    assert "run `speakerzoom cut` on it first" in capsys.readouterr().err


# --- without the menu -----------------------------------------------------------------------------


@pytest.fixture
def fuscript(tmp_path, monkeypatch):
    """A function that installs a fuscript: a program that runs a script beside a fake Resolve."""

    def install(text, **traps):
        here = Path(__file__).parent
        program = tmp_path / "fuscript"
        program.write_text(
            f"#!{sys.executable}\nimport sys; sys.path[:0] = {[str(here), str(here.parent)]!r}\n"
            "from pathlib import Path; from host import Host; from test_script import talk\n"
            f"folder, traps = Path({str(tmp_path)!r}), {traps!r}\n{text}\n"
        )
        program.chmod(0o755)
        monkeypatch.setenv(resolve_direct.VARIABLE, str(program))
        monkeypatch.setattr(messages, "preference_files", lambda: [tmp_path / "Fusion.prefs"])
        return tmp_path / "mailbox"

    return install


RUN = """
resolve = Host(folder, talk(), "external", **traps)
assert sys.argv[1:4] == ["-q", "-l", "lua"]
resolve.script = Path(sys.argv[4]).read_text()
resolve.run()
"""


def test_studio_is_driven_from_outside_by_the_same_script(fuscript, fast):
    folder = fuscript(RUN)

    delivery = resolve_send.send(talk(), folder, direct=True)

    assert (delivery.name, delivery.way) == ("Gespräch", "direct")
    names = {path.name for path in folder.iterdir()}
    assert names.isdisjoint({"SpeakerZoom.lua", mailbox.RECIPE, mailbox.TIMELINE})


def test_a_resolve_that_lets_nobody_in_says_which_setting_to_change(fuscript, fast):
    folder = fuscript(RUN, no_resolve=True)

    with pytest.raises(SpeakerZoomError, match="External scripting set to Local"):
        resolve_send.send(talk(), folder, direct=True)


@pytest.mark.parametrize(
    ("text", "reason"), [("sys.exit(3)", "ended with code 3"), ("", "ended with code 0")]
)
def test_a_fuscript_that_ends_without_an_answer_is_reported_at_once(fuscript, fast, text, reason):
    folder = fuscript(text)

    with pytest.raises(SpeakerZoomError, match=reason):
        resolve_send.send(talk(), folder, direct=True)
    assert not (folder / mailbox.RECIPE).exists()


def test_a_run_that_takes_no_recipe_is_ended_with_the_wait(fuscript, fast):
    folder = fuscript("import time; time.sleep(60)")
    begin = time.monotonic()

    with pytest.raises(SpeakerZoomError, match="nobody ran"):
        resolve_send.send(talk(), folder, direct=True, max_wait_s=0.3)
    assert time.monotonic() - begin < 30


def test_without_fuscript_the_menu_is_advised(monkeypatch, tmp_path):
    monkeypatch.setenv(resolve_direct.VARIABLE, str(tmp_path / "none"))
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(SpeakerZoomError, match="leave out --direct"):
        resolve_send.send(talk(), tmp_path / "mailbox", direct=True)


# --- reading back ---------------------------------------------------------------------------------


@pytest.fixture
def exported(tmp_path, make_clip, monkeypatch):
    """A recording, and the mailbox after our timeline of it was exported."""
    source = make_clip("talk.mp4")
    media = replace(talk().media, path=source)
    resolve = Host(tmp_path, talk(media=media))
    resolve.answer()
    resolve.run()
    monkeypatch.setattr(messages, "preference_files", lambda: [resolve.preferences])
    monkeypatch.setenv(mailbox.VARIABLE, str(resolve.mailbox))
    return source, resolve


def test_the_last_export_of_a_recording_is_found(exported):
    source, resolve = exported

    path = outbox.last_export(source)

    assert str(path) == resolve.exported[0]
    assert path.read_text() == resolve.otio


def test_an_export_of_another_recording_is_refused(exported, make_clip):
    with pytest.raises(SpeakerZoomError, match=r"shows .*talk\.mp4, not .*other\.mp4"):
        outbox.last_export(make_clip("other.mp4"))


def test_without_an_export_the_menu_is_advised(exported):
    source, resolve = exported
    Path(resolve.exported[0]).unlink()

    with pytest.raises(SpeakerZoomError, match="exported no timeline"):
        outbox.last_export(source)


def test_only_files_of_the_outbox_are_read(exported, tmp_path):
    source, resolve = exported
    outside = tmp_path / "outside.otio"
    outside.write_text("{}")
    row = f"path={str(outside).encode().hex()}"
    resolve.preferences.write_text(f"SPEAKERZOOM1:timeline:run:{int(time.time()) + 1}:{row}:END")

    with pytest.raises(SpeakerZoomError, match="exported no timeline"):
        outbox.last_export(source)


@pytest.mark.parametrize("arguments", [(), ("edited.otio", "--from", "resolve")])
def test_import_takes_either_a_file_or_the_last_export(make_clip, capsys, arguments):
    with pytest.raises(SystemExit):
        main(["import", str(make_clip("talk.mp4")), *arguments])

    assert "--from resolve" in capsys.readouterr().err


# --- install --------------------------------------------------------------------------------------


def test_an_installed_script_is_ours_and_current_and_names_the_mailbox(home, capsys):
    assert main(["install", "resolve"]) == 0

    path = Path(capsys.readouterr().out.strip())
    assert path == home / ".local/share/DaVinciResolve/Fusion/Scripts/Utility/SpeakerZoom.lua"
    assert str(mailbox.mailbox_folder()) in path.read_text("ascii")
    assert resolve_install.places()[path] == "current"
    assert mailbox.mailbox_folder().stat().st_mode & 0o777 == 0o700


def test_a_dry_run_writes_nothing(home, capsys):
    assert main(["install", "resolve", "--dry-run"]) == 0

    assert not Path(capsys.readouterr().out.strip()).exists()
    assert not mailbox.mailbox_folder().exists()


def test_an_old_script_is_replaced_and_a_strangers_file_is_not(tmp_path, home):
    path = tmp_path / "SpeakerZoom.lua"
    path.write_text(f"-- old\n{resolve_script.MARK}\nlocal VERSION = '0'\n")
    assert resolve_install.state(path, all_users=False) == "old"
    resolve_install.install(tmp_path)
    assert resolve_install.state(path, all_users=False) == "current"

    path.write_text("-- somebody's own SpeakerZoom\n")
    for verb in (resolve_install.install, resolve_install.uninstall):
        with pytest.raises(SpeakerZoomError, match="is not of speakerzoom"):
            verb(tmp_path)
    assert path.read_text() == "-- somebody's own SpeakerZoom\n"


def test_a_link_is_never_written_through(tmp_path, home):
    (tmp_path / "target.lua").write_text(f"{resolve_script.MARK}\n")
    (tmp_path / "SpeakerZoom.lua").symlink_to(tmp_path / "target.lua")

    with pytest.raises(SpeakerZoomError, match="is not of speakerzoom"):
        resolve_install.install(tmp_path)


def test_uninstalling_removes_exactly_the_script(home, capsys):
    main(["install", "resolve"])
    path = Path(capsys.readouterr().out.strip())
    (path.parent / "Other.lua").write_text("-- another\n")

    assert main(["uninstall", "resolve", "--dry-run"]) == 0
    assert path.exists()
    assert main(["uninstall", "resolve"]) == 0
    assert [p.name for p in path.parent.iterdir()] == ["Other.lua"]
    assert main(["uninstall", "resolve"]) == 1
    assert "nothing to do" in capsys.readouterr().err


def test_for_all_users_each_user_has_a_mailbox_of_their_own(tmp_path, home):
    path = resolve_install.install(all_users=True)

    assert path == tmp_path / "all" / "Utility" / "SpeakerZoom.lua"
    assert 'local MAILBOX = "\\036HOME/.local/share/speakerzoom/resolve"' in path.read_text()
    assert not mailbox.mailbox_folder().exists()
    resolve = Host(tmp_path, talk())
    resolve.mailbox = mailbox.open_mailbox()
    resolve.script = path.read_text()
    assert resolve.answer().get("state") == "done"


def test_a_folder_that_cannot_be_written_is_reported(tmp_path, home):
    (tmp_path / "Utility").write_text("a file where the folder would be")

    with pytest.raises(StoreError, match="as an administrator"):
        resolve_install.install(tmp_path / "Utility", all_users=True)


@pytest.mark.parametrize(
    ("platform", "all_users", "path"),
    [
        ("linux", False, "/home/ann/.local/share/DaVinciResolve/Fusion/Scripts/Utility"),
        ("linux", True, "/opt/resolve/Fusion/Scripts/Utility"),
        ("darwin", False, "/home/ann/Library/Application Support/Blackmagic Design/DaVinci Resolve"
                          "/Fusion/Scripts/Utility"),
        ("darwin", True, "/Library/Application Support/Blackmagic Design/DaVinci Resolve"
                         "/Fusion/Scripts/Utility"),
        ("win32", False, "/roaming/Blackmagic Design/DaVinci Resolve/Support"
                         "/Fusion/Scripts/Utility"),
        ("win32", True, "/data/Blackmagic Design/DaVinci Resolve/Fusion/Scripts/Utility"),
    ],
)  # fmt: skip
def test_each_system_has_its_folder_for_scripts(platform, all_users, path):
    environ = {"APPDATA": "/roaming", "PROGRAMDATA": "/data"}

    folder = resolve_script.script_folder(
        all_users=all_users, environ=environ, home=Path("/home/ann"), platform=platform
    )

    assert folder == Path(path)


def test_a_mailbox_that_windows_lua_cannot_open_is_refused(monkeypatch):
    monkeypatch.setattr(resolve_script, "_short_name", str)
    environ = {"LOCALAPPDATA": "/Users/Jürgen"}

    with pytest.raises(SpeakerZoomError, match="SPEAKERZOOM_MAILBOX"):
        resolve_script.mailbox_name(all_users=False, environ=environ, platform="win32")


def test_a_short_name_serves_where_a_windows_name_is_not_ascii(monkeypatch):
    monkeypatch.setattr(resolve_script, "_short_name", lambda _: "C:\\Users\\JRGEN~1\\resolve")
    environ = {"LOCALAPPDATA": "/Users/Jürgen"}

    name = resolve_script.mailbox_name(all_users=False, environ=environ, platform="win32")

    assert name == "C:/Users/JRGEN~1/resolve"


def test_the_doctor_says_whether_the_script_is_current(home, tmp_path, monkeypatch):
    assert "install resolve" in resolve_install.describe()

    path = resolve_install.install()
    assert f"{path}: current" in resolve_install.describe()

    path.write_text(path.read_text() + "-- edited\n")
    text = resolve_install.describe()
    assert "of another version" in text
    assert "21.1" in text

    resolve = Host(tmp_path, talk(), "studio")
    resolve.answer()
    monkeypatch.setattr(messages, "preference_files", lambda: [resolve.preferences])
    text = resolve_install.describe()
    assert "last run" in text
    assert "product: DaVinci Resolve Studio; version: 21.1.0" in text
