"""The review page and the HTTP service behind it, for one user on this machine.

`server.serve` runs it. Every request passes `guard.Guard` first, which knows who may ask for what.
Below it, `app` has the routes: `/s/ID/` is the page of one open source, and everything that the
page asks for lies below that address. Only files from tables are served, never a path from a
request.
"""
