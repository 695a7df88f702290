# make film    the virtual environment, the dependencies, then out/first_film.mp4
# make test    the test suite (make test-all: slow tests too, with CINEMOTION_DATA=FOLDER those on capture sets)
# make check   format, lint, types, import rules, tests
# make bench   the tables that the README and docs quote

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: film test test-all check format bench system install clean

film: install
	$(BIN)/cinemotion film examples/01_first_film.yaml -o out/first_film.mp4

test: install
	$(BIN)/python -m pytest

test-all: install
	$(BIN)/python -m pytest -m ''

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: install
	$(BIN)/cinemotion bench render
	$(BIN)/cinemotion bench formats
	$(BIN)/cinemotion bench retarget
	$(BIN)/cinemotion bench motion

install: $(READY)

$(READY): pyproject.toml .ci/constraints.txt .ci/system.sh
	sh .ci/system.sh $(PYTHON)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint .ci/constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint .ci/constraints.txt --editable '.[smpl,exr,search,train,usd,timeline,onnx,pathtrace,fuse,bench,diffusers,dev]'
	touch $(READY)

clean:
	rm -rf $(VENV) out build *.egg-info
