# Two commands do everything on a fresh machine: make demo, and make test.
PYTHON ?= python3
PORT ?= 8000
FRONTEND_PORT ?= 3000
FRONTEND ?= static

VENV := .venv
BIN := $(VENV)/bin
C_FILES := $(wildcard csrc/*/*.[ch] csrc/*/*/*.[ch] tests/c/*.[ch])
BUILD_INPUTS := setup.py pyproject.toml $(wildcard csrc/*/*.[ch] csrc/*/*/*.[ch])

.PHONY: help demo test check lint bench clean

help:
	@echo "make demo [PORT=8000] [FRONTEND_PORT=3000] [FRONTEND=vite]   the example, in your browser"
	@echo "make test    everything    make check   the quick part of it    make bench   the speed"

# A virtual environment with the extension built in place and the named dependency groups.
$(VENV)/%.done: $(BUILD_INPUTS)
	@.ci/install build $(if $(filter test bench,$*),$*)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install -q -U pip setuptools
	@$(BIN)/pip install -q --group $*
	@$(BIN)/pip install -q --no-build-isolation -e .
	@touch $@

demo: $(VENV)/demo.done
	@exec $(BIN)/python example_project/demo.py --port $(PORT) --frontend-port $(FRONTEND_PORT) --frontend $(FRONTEND)

bench: $(VENV)/bench.done
	@$(BIN)/python -m bench

clean:
	rm -rf build dist $(VENV) example_project/var samesite_proxy/*.so *.egg-info
