"""Values between Python and Lua, in the Lua that Resolve has inside: LuaJIT, which reads 5.1."""

from lupa.luajit21 import LuaRuntime, lua_type


def runtime():
    """A Lua whose strings are bytes, as paths are in Resolve."""
    return LuaRuntime(encoding=None, unpack_returned_tuples=True)


def to_python(value):
    """A value of Lua: a list where its keys are 1 to n, else a dict; text where it is UTF-8."""
    if lua_type(value) == "table":
        rows = {to_python(key): to_python(item) for key, item in value.items()}
        return list(rows.values()) if list(rows) == list(range(1, len(rows) + 1)) else rows
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value
    return value


def load(text):
    """What a file returns that is written as text, with nothing of Lua's library at hand."""
    lua = runtime()
    run = lua.eval("function(text) return setfenv(assert(loadstring(text)), {})() end")
    return to_python(run(text.encode("ascii")))
