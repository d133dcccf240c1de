# The commands of this project. `make run` needs Python 3.11+ and nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PARALLEL ?= 3 # for two cores: tests wait, too

.PHONY: run test check bench picture film docs icons format lock

# The app reads .env itself, and says in words what is wrong with it.
run: export FLASK_SKIP_DOTENV = 1
run: $(VENV)/.run
	$(BIN)/flask db upgrade
	$(BIN)/gunicorn

test: $(VENV)/.dev
	tests/set_up.sh
	$(BIN)/python -m pytest -n $(PARALLEL) --dist loadfile --no-loadscope-reorder -m "not alone" $(TESTS) || [ $$? = 5 ]
	$(BIN)/python -m pytest -m alone $(TESTS) || [ $$? = 5 ] # 5: there are none of these

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_house_rules.py
	$(BIN)/flask scan
	$(BIN)/flask scan --history

bench: $(VENV)/.dev
	$(BIN)/python -m bench $(BENCH)

# Takes the pictures in docs/ again.
picture: $(VENV)/.dev
	$(BIN)/python -m tests.browser.picture

# Films the page again for the README.
film: $(VENV)/.dev
	$(BIN)/python -m tests.browser.film

# Writes the table of settings in docs/configuration.md again.
docs: $(VENV)/.dev
	$(BIN)/python -m tests.unit.settings_table

# Draws the app's icons again, from static/img/favicon.svg.
icons: $(VENV)/.dev
	$(BIN)/python -m tests.browser.icons

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Pins again what pyproject.toml allows, with hashes, for every platform.
lock: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--python-version 3.11 pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--python-version 3.11 --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--python-version 3.11 --extra node -c requirements.txt pyproject.toml -o requirements-node.txt

$(VENV)/.run: requirements.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make run PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	touch $@
