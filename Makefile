# One command each; all of them set up .venv first. PYTHON selects the interpreter (3.11 or later).
PYTHON ?= python3
BIN := $(if $(filter Windows_NT,$(OS)),.venv/Scripts,.venv/bin)
SPEAKERZOOM := $(BIN)/speakerzoom
SAMPLE := samples/two_talkers.mp4

# the demo names its scorer, so that its result does not depend on the network
.PHONY: licences demo test test-slow test-all test-lowest test-newest test-wheel robustness fuzz check setup \
	dist clean

demo: setup
	$(SPEAKERZOOM) cut $(SAMPLE) --work out -o out/two_talkers.otio --for resolve --scorer sync-asd
	$(SPEAKERZOOM) export $(SAMPLE) --work out -o out/two_talkers.xml --for premiere
	$(SPEAKERZOOM) export $(SAMPLE) --work out -o out/two_talkers.fcpxml --for fcp
	$(SPEAKERZOOM) render $(SAMPLE) --work out -o out/two_talkers_cut.mp4
	$(SPEAKERZOOM) inspect $(SAMPLE) --work out

# TESTS may name some of them, or pass options to pytest; -n 0 runs them in one process. A process
# takes up to 1.5 GB, and one thread of each library.
PYTEST = $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile
test: setup
	$(PYTEST) $(TESTS)

# those marked `slow`, which `make test` leaves out: every fault at every place, random damage, the
# built package in an environment of its own
test-slow: setup
	$(PYTEST) -m slow $(TESTS)

test-all: test test-slow

# writes the tables of docs/robustness.md again
robustness: setup
	SPEAKERZOOM_WRITE_TABLES=1 $(PYTEST) -m "slow or not slow" tests/robustness tests/fuzz

# random damage to every file and request that we parse, for ten minutes each, from a new seed;
# writes how many inputs that were into docs/robustness.md. Three hours on two cores.
fuzz: setup
	SPEAKERZOOM_WRITE_TABLES=1 $(PYTEST) -m slow tests/fuzz --fuzz-seconds 600 --fuzz-seed random

# tests that depend on other packages, with the lowest versions that pyproject.toml allows
CORE := $(addprefix tests/, adapters faces render source speech store timeline training \
	cli/test_arguments.py)
test-lowest: .venv-lowest/ready
	.venv-lowest/bin/python -m pytest $(CORE)

# the same tests with the newest versions; `make check` and `make test` use those of constraints.txt
test-newest:
	$(PYTHON) -m venv .venv-newest
	.venv-newest/bin/python -m pip install --quiet --upgrade --upgrade-strategy eager --editable \
		'.[test]'
	.venv-newest/bin/python -m pip list
	.venv-newest/bin/python -m pytest $(CORE)

# the wheel and the source archive, in dist/
dist: setup
	rm -rf dist
	$(BIN)/python -m hatchling build

# the wheel with all that it requires, as a user gets it
test-wheel: dist
	$(PYTHON) -m venv --clear .venv-wheel
	.venv-wheel/bin/python -m pip install --quiet dist/*.whl
	SPEAKERZOOM_WHEEL_PYTHON=$(CURDIR)/.venv-wheel/bin/python \
		$(BIN)/python -m pytest -m slow tests/release/test_wheel.py

check: setup
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive \
		otio_speakerzoom adapters training benchmarks

# the tables of docs/licences.md, from what is installed
licences: setup
	$(BIN)/python .ci/licences.py

setup: .venv/ready

# mediapipe requires opencv-contrib-python, which installs into the same folder cv2/ as
# opencv-python-headless and needs a display's libraries. It is uninstalled, and the headless
# package installed again, because uninstalling the one removes files of the other.
.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	$(BIN)/python -m pip uninstall --quiet --yes opencv-contrib-python
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-deps --force-reinstall \
		opencv-python-headless
	touch $@

.venv-lowest/ready: pyproject.toml .ci/lowest.py
	$(PYTHON) -m venv .venv-lowest
	$(PYTHON) .ci/lowest.py > .venv-lowest/lowest.txt
	.venv-lowest/bin/python -m pip install --quiet --constraint .venv-lowest/lowest.txt \
		--editable '.[test]'
	.venv-lowest/bin/python -m pip uninstall --quiet --yes opencv-contrib-python
	.venv-lowest/bin/python -m pip install --quiet --constraint .venv-lowest/lowest.txt --no-deps \
		--force-reinstall opencv-python-headless
	touch $@

clean:
	rm -rf .venv .venv-lowest .venv-newest .venv-wheel dist out
