"""What one system lacks is only used where it is there: modules, functions and constants."""

import ast
from functools import cache

import pytest
from conftest import REPOSITORY

MODULES = sorted(
    path
    for folder in ("otio_speakerzoom", "adapters")
    for path in (REPOSITORY / folder).rglob("*.py")
)
POSIX_MODULES = {
    "curses", "fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "syslog", "termios",
    "tty",
}  # fmt: skip
WINDOWS_MODULES = {"msvcrt", "nt", "winreg", "winsound", "_winapi"}
ON_SOME_SYSTEMS = {
    "os": {
        "O_BINARY", "O_CLOEXEC", "O_DIRECT", "O_DIRECTORY", "O_DSYNC", "O_NOATIME", "O_NOCTTY",
        "O_NOFOLLOW", "O_NOINHERIT", "O_NONBLOCK", "O_PATH", "O_SYNC", "O_TMPFILE", "WNOHANG",
        "chown", "chroot", "confstr", "copy_file_range", "ctermid", "fchmod", "fchown", "fork",
        "forkpty", "fstatvfs", "getegid", "geteuid", "getgid", "getgroups", "getloadavg", "getpgid",
        "getpgrp", "getpriority", "getresuid", "getsid", "getuid", "killpg", "lchmod", "lchown",
        "lockf", "major", "memfd_create", "mkfifo", "mknod", "nice", "openpty", "pathconf", "pipe2",
        "posix_fadvise", "posix_fallocate", "posix_spawn", "pread", "pwrite", "register_at_fork",
        "sched_getaffinity", "sched_setaffinity", "sendfile", "setegid", "seteuid", "setgid",
        "setpgid", "setpriority", "setsid", "setuid", "startfile", "statvfs", "sync", "sysconf",
        "ttyname", "uname", "wait", "wait3", "wait4", "waitid",
    },
    "signal": {
        "CTRL_BREAK_EVENT", "CTRL_C_EVENT", "SIGALRM", "SIGBREAK", "SIGCHLD", "SIGCONT", "SIGHUP",
        "SIGKILL", "SIGPIPE", "SIGQUIT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGUSR1",
        "SIGUSR2", "SIGWINCH", "alarm", "pause", "pthread_kill", "pthread_sigmask", "set_wakeup_fd",
        "setitimer", "siginterrupt", "sigwait",
    },
    "socket": {"AF_UNIX", "SO_EXCLUSIVEADDRUSE", "SO_REUSEPORT", "socketpair"},
    "select": {"epoll", "kqueue", "poll"},
    "time": {"clock_settime", "pthread_getcpuclockid", "tzset"},
    "ctypes": {"WinDLL", "oledll", "windll"},
}  # fmt: skip
"""Names that Python has on some of Linux, macOS and Windows only, as its documentation says."""
GUARDS = {"hasattr", "getattr"}


@cache
def tree(path):
    return ast.parse(path.read_text("utf-8"))


def is_guard(node):
    """Whether a piece of code asks what the system has."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return (node.value.id, node.attr) in {("sys", "platform"), ("os", "name")}
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in GUARDS:
        return True
    return isinstance(node, ast.Name) and node.id in {"AttributeError", "ImportError"}


def unguarded(module):
    """Lines that use what one system lacks, in functions that do not ask; so do modules."""
    parts = [node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)]
    inside = {node for part in parts for node in ast.walk(part) if node is not part}
    top = [node for node in ast.walk(module) if node not in inside]
    for nodes in (*([*ast.walk(part)] for part in parts), top):
        if any(map(is_guard, nodes)):
            continue
        for node in nodes:
            if is_special(node):
                yield node.lineno


def is_special(node):
    special = POSIX_MODULES | WINDOWS_MODULES
    if isinstance(node, ast.Import):
        return any(alias.name.split(".")[0] in special for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        names = {alias.name for alias in node.names}
        return node.module in special or bool(names & ON_SOME_SYSTEMS.get(node.module or "", set()))
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.attr in ON_SOME_SYSTEMS.get(node.value.id, ())
    return isinstance(node, ast.keyword) and node.arg == "preexec_fn"


def test_what_one_system_lacks_is_used_only_where_somebody_asked_for_it():
    wrong = [
        f"{path.relative_to(REPOSITORY)}:{line}"
        for path in MODULES
        for line in unguarded(tree(path))
    ]

    assert not wrong


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("import fcntl", [1]),
        ("try:\n    import fcntl\nexcept ImportError:\n    fcntl = None", []),
        ("import os\n\ndef f():\n    return os.getuid()", [4]),
        ("import os\n\ndef f():\n    return os.getuid() if hasattr(os, 'getuid') else 0", []),
        ("import os, sys\n\ndef f():\n    if sys.platform == 'win32': return 0\n    os.fork()", []),
        ("from signal import SIGHUP", [1]),
        ("import signal\nN = getattr(signal, 'SIGHUP', 0)\n\ndef f():\n    signal.SIGHUP", [5]),
    ],
)
def test_a_use_counts_unless_its_own_function_asks(source, lines):
    assert list(unguarded(ast.parse(source))) == lines


def test_every_text_file_is_opened_with_its_encoding():
    """Windows would take the code page of the country."""
    wrong = []
    for path in MODULES:
        for node in ast.walk(tree(path)):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name)):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            if name in ("read_text", "write_text") and not has_encoding(node, name):
                wrong.append(f"{path.relative_to(REPOSITORY)}:{node.lineno}")
    assert not wrong


def has_encoding(call, name):
    """Whether a call names its encoding; our own `write_text(path, text)` always writes UTF-8."""
    ours = isinstance(call.func, ast.Name) or (
        isinstance(call.func.value, ast.Name) and call.func.value.id in ("store", "atomic")
    )
    position = {"read_text": 0, "write_text": 1}[name]
    named = any(keyword.arg == "encoding" for keyword in call.keywords)
    return ours or named or len(call.args) > position
