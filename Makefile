# Two commands do everything on a fresh machine: make demo, and make test.
PYTHON ?= python3
PORT ?= 8000
FRONTEND_PORT ?= 3000
FRONTEND ?= static
PROCESSES ?= 4
MINUTES ?= 30
WAY ?= runserver
SECONDS ?= 60

VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest -q
# Most of a test's time is waiting, so that more processes than cores share the suite; a group's
# tests stay in one of them, where they find the server that they share.
SHARED = -n $(PROCESSES) --dist loadgroup --no-loadscope-reorder --max-worker-restart 0
# To the poller a server is one whose socket is the engine's, or can be seen, or is hidden.
EACH_KIND := not traffic or fastpath or gthread or waitress
SOURCES := setup.py pyproject.toml $(wildcard csrc/*/*.[ch] csrc/*/*/*.[ch])

# As Python names the extension; a free-threaded one, for which there is no stable ABI, in its own
# way: sysconfig's EXT_SUFFIX.
EXT_SUFFIX ?= .abi3.so

# Runs Python with another build of the engine; see tests/builds.
WITH_ENGINE = PYTHONPATH=tests/builds SAMESITE_PROXY_ENGINE=$(abspath $(1))
SANITIZED = LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)" \
	ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1
# Python's locks are seen by it, and what else is Python's is not looked at. A forked child may
# start an engine of its own.
THREADED = LD_PRELOAD="$$(gcc -print-file-name=libtsan.so)" \
	TSAN_OPTIONS="halt_on_error=1 die_after_fork=0 suppressions=$(abspath tests/builds/races.supp)"
# What threads and the engine do to each other: many at once, cancelled, notified, relayed, handed
# over at the listener, and stopped amid all that.
RACES := tests/engine/test_lifetime.py tests/engine/test_relays.py tests/engine/test_connections.py \
	tests/asgi/test_notifiers.py tests/fastpath/test_handover.py tests/failing_calls/test_leaving.py \
	tests/engine/test_module_objects.py::test_stop_beside_every_use \
	tests/engine/test_module_objects.py::test_end_is_waited_for_by_all_who_come_to_it \
	tests/engine/test_processes.py::test_stop_wakes_every_waiter \
	tests/engine/test_processes.py::test_stalled_upstreams_do_not_hold_the_end_of_a_thread_pool

# All that goes through the engine, for the long run. Rust's locks are in its own code, unseen: of
# a server in Rust all would be races. The connector alone is compiled with sanitizers of its own.
LONG_RACES := -k "not granian" --ignore=tests/engine/test_connector.py \
	tests/engine tests/fastpath tests/live tests/asgi tests/process tests/failing_calls/test_leaving.py

FREE := build/free-threads
FREE_PYTHON := $(abspath $(FREE))/python/root/bin/python3

# A slice of every way in that other versions of Python and Django have a say in.
NEWEST := build/newest
SMOKE := tests/unit tests/asgi/test_breaks.py tests/asgi/test_inside_the_process.py \
	tests/traffic/test_cut_answers.py tests/traffic/test_middleware_before.py \
	tests/traffic/test_django_tests.py tests/fastpath/test_order.py tests/process/test_forks.py

.PHONY: help demo test smoke test-static check neighbours bench benchmarks \
	wheel wheel-arm64 wheel-check races leaving free-threads cross matrix frontends faults \
	failing-calls failing-allocations adversary soak soak-proof raise clean

help:
	@echo "make demo [PORT=8000] [FRONTEND_PORT=3000] [FRONTEND=vite]   the example, in your browser"
	@echo "make test    everything    make check   the quick part of it    make bench   the speed"
	@echo "make benchmarks    the speed as docs/benchmarks.md has it, with plots; twenty minutes"
	@echo "make wheel   what pip installs without a compiler (make wheel-arm64: for that processor)"
	@echo "make neighbours    beside Wagtail, django-hosts and others, as they are today"
	@echo "make races    whether threads race anywhere in the engine, for long"
	@echo "make free-threads [SECONDS=60]    the same in a Python without the GIL, built for it; docs/proof.md"
	@echo "make leaving [MINUTES=8] [SEED=1]    races while clients and frontends leave at every stage"
	@echo "make cross    the engine compiled and linked for macOS, FreeBSD, OpenBSD, NetBSD and musl"
	@echo "make matrix [CELLS=3.13-6.1]    with other Pythons, Djangos, libcurls and compilers"
	@echo "make frontends [NAMES=nuxt]    Vite, Next, SvelteKit and six others in Chromium, through :8000"
	@echo "make faults    whether the suite notices each of forty seeded faults"
	@echo "make failing-calls [MINUTES=60] [SEED=1]    calls of the system fail under traffic, every way in"
	@echo "make failing-allocations    each allocation of the engine's fails, one after the other"
	@echo "make adversary [MINUTES=30] [SEED=7]    attacks put together at random, on the fast path"
	@echo "make soak [MINUTES=30] [WAY=gthread]    load for long, with aborts, cuts, saves and restarts"
	@echo "make soak-proof    whether the soak finds two answers exchanged, a piece lost, a descriptor"
	@echo "make raise    newer versions of what the suite is run with, into .ci/constraints.txt"

# The suite's verdict changes with the code alone: make raise brings newer versions.
PINS ?= .ci/constraints.txt
PINNED = $(if $(and $(PINS),$(filter test,$(1))),-c $(PINS))

# A virtual environment with a dependency group (demo, test, bench) and the extension in place.
$(VENV)/%.done: $(SOURCES) $(PINS) .ci/install
	@echo "make: looking for the system's packages"
	@.ci/install build $(filter test bench,$*)
	@echo "make: making a virtual environment in $(VENV)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install -q -U pip setuptools $(call PINNED,$*)
	@echo "make: installing what $* needs, half a minute the first time"
	@$(BIN)/pip install -q --group $* $(call PINNED,$*)
	@echo "make: building the engine"
	@$(BIN)/pip install -q --no-build-isolation -e . >$(VENV)/build.log 2>&1 || { cat $(VENV)/build.log; exit 1; }
	@touch $@

build/portable/samesite_proxy/_engine$(EXT_SUFFIX): $(SOURCES) $(VENV)/test.done
	@echo "make: building the engine with poll(2)"
	@SAMESITE_PROXY_POLLER=portable $(BIN)/python setup.py -q build_ext \
		--build-lib build/portable --build-temp build/portable/objects

build/sanitized/samesite_proxy/_engine$(EXT_SUFFIX): $(SOURCES) $(VENV)/test.done
	@echo "make: building the engine with sanitizers"
	@SAMESITE_PROXY_SANITIZE=address,undefined $(BIN)/python setup.py -q build_ext \
		--build-lib build/sanitized --build-temp build/sanitized/objects

build/threads/samesite_proxy/_engine$(EXT_SUFFIX): $(SOURCES) $(VENV)/test.done
	@echo "make: building the engine with a sanitizer of threads"
	@SAMESITE_PROXY_SANITIZE=thread $(BIN)/python setup.py -q build_ext \
		--build-lib build/threads --build-temp build/threads/objects

build/static/samesite_proxy/_engine$(EXT_SUFFIX): $(SOURCES) $(VENV)/test.done
	@echo "make: building the engine with a libcurl of its own"
	@SAMESITE_PROXY_STATIC_CURL=1 $(BIN)/python setup.py -q build_ext \
		--build-lib build/static --build-temp build/static/objects

# The newest Python of the machine, with the newest Django that it gets.
$(NEWEST)/smoke.done: pyproject.toml .ci/newest-python $(VENV)/test.done
	@python="$$(.ci/newest-python $(PYTHON))" && \
		{ [ "$$python" != "$(PYTHON)" ] || echo "make: no Python here is newer than the suite's"; } && \
		echo "make: installing the newest Django with $$("$$python" --version)" && \
		"$$python" -m venv --clear $(NEWEST)/venv
	@$(NEWEST)/venv/bin/pip install -q -U pip setuptools
	@$(NEWEST)/venv/bin/pip install -q -U Django --group smoke
	@touch $@

$(NEWEST)/samesite_proxy/_engine.abi3.so: $(SOURCES) $(NEWEST)/smoke.done
	@echo "make: building the engine with the newest Python"
	@$(NEWEST)/venv/bin/python setup.py -q build_ext \
		--build-lib $(NEWEST) --build-temp $(NEWEST)/objects

demo: $(VENV)/demo.done
	@exec $(BIN)/python example_project/demo.py \
		--port $(PORT) --frontend-port $(FRONTEND_PORT) --frontend $(FRONTEND)

# Everything; a smoke test with the newest Python and Django; then the engine and the traffic again
# with poll(2), and with sanitizers, that of threads for less than a minute. Nothing is run a second
# time because it failed: over that, a crash or a race would pass.
test: $(VENV)/test.done smoke build/portable/samesite_proxy/_engine$(EXT_SUFFIX) \
		build/sanitized/samesite_proxy/_engine$(EXT_SUFFIX) \
		build/threads/samesite_proxy/_engine$(EXT_SUFFIX)
	$(PYTEST) $(SHARED)
	$(call WITH_ENGINE,build/portable/samesite_proxy/_engine$(EXT_SUFFIX)) $(PYTEST) $(SHARED) \
		-m "not slow" -k "$(EACH_KIND)" tests/engine tests/traffic tests/live tests/fastpath
	$(SANITIZED) $(call WITH_ENGINE,build/sanitized/samesite_proxy/_engine$(EXT_SUFFIX)) $(PYTEST) \
		$(SHARED) -m "not slow and not unsanitized" tests/engine tests/fastpath tests/failing_calls
	$(THREADED) $(call WITH_ENGINE,build/threads/samesite_proxy/_engine$(EXT_SUFFIX)) $(PYTEST) \
		$(SHARED) -m "not slow and not unsanitized" $(RACES)

smoke: $(NEWEST)/samesite_proxy/_engine.abi3.so
	$(call WITH_ENGINE,$<) $(NEWEST)/venv/bin/python -m pytest -q $(SHARED) -p no:cacheprovider \
		-m "not slow" $(SMOKE)

# The last of the runs of `make test`, with all that makes sense under it.
races: $(VENV)/test.done build/threads/samesite_proxy/_engine$(EXT_SUFFIX)
	$(THREADED) $(call WITH_ENGINE,build/threads/samesite_proxy/_engine$(EXT_SUFFIX)) $(PYTEST) \
		$(SHARED) -m "not slow and not browser and not unsanitized" $(LONG_RACES)

# Four ways in, one after the other: clients that leave, answers that are broken off, forks, saves.
leaving: $(VENV)/test.done build/threads/samesite_proxy/_engine$(EXT_SUFFIX)
	@$(THREADED) $(call WITH_ENGINE,build/threads/samesite_proxy/_engine$(EXT_SUFFIX)) \
		$(BIN)/python -m tests.failing_calls.leaving $(MINUTES) $(SEED)

# A Python without the GIL, in which races are seen as those in the engine are.
$(FREE)/python.done: .ci/python-for-races
	@echo "make: building a Python without the GIL, with a sanitizer of threads; a quarter of an hour"
	@.ci/python-for-races $(FREE)/python $(PYTHON_SOURCE)
	@touch $@

# Its own pip would take minutes; setuptools is the same for all Pythons.
$(FREE)/engine.done: $(SOURCES) $(FREE)/python.done $(VENV)/test.done
	@$(BIN)/pip install -q --upgrade --target $(FREE)/tools setuptools
	@echo "make: building the engine for it"
	@SAMESITE_PROXY_SANITIZE=thread PYTHONPATH=$(FREE)/tools $(FREE_PYTHON) setup.py -q build_ext \
		--build-lib $(FREE) --build-temp $(FREE)/objects
	@touch $@

free-threads: $(FREE)/engine.done
	@$(BIN)/python -m tests.free_threads $(FREE_PYTHON) \
		$(abspath $(FREE))/samesite_proxy/_engine.*.so \
		$(FREE)/python/source/Tools/tsan/suppressions_free_threading.txt $(SECONDS)

# With a libcurl of its own; needs cargo, cmake and OpenSSL's headers.
test-static: build/static/samesite_proxy/_engine$(EXT_SUFFIX)
	$(call WITH_ENGINE,$<) $(PYTEST) -m "not slow" tests/engine

check: $(VENV)/test.done
	$(PYTEST) $(SHARED) -m "not slow" tests/unit tests/bench tests/engine tests/test_architecture.py tests/test_style.py tests/test_c.py

# Third-party software as it is installed today, in an environment of its own.
neighbours:
	@$(MAKE) -s VENV=.venv-neighbours .venv-neighbours/neighbours.done
	.venv-neighbours/bin/python -m pytest -q tests/neighbours
	.venv-neighbours/bin/python -m pytest -q tests/traffic tests/live -k runserver_plus

build/wheel/venv.done: pyproject.toml .ci/install
	@.ci/install wheel
	@$(PYTHON) -m venv --clear build/wheel/venv
	@build/wheel/venv/bin/pip install -q -U pip
	@build/wheel/venv/bin/pip install -q --group wheel
	@touch $@

# Some minutes the first time: with libcurl and OpenSSL, from source.
wheel: build/wheel/venv.done
	@build/wheel/venv/bin/python .ci/make_wheel.py x86_64

wheel-arm64: build/wheel/venv.done
	@build/wheel/venv/bin/python .ci/make_wheel.py aarch64

# The wheel in dist, where there is nothing else; as root.
wheel-check: build/wheel/venv.done
	@.ci/install wheel-check
	@build/wheel/venv/bin/python -m tests.packaging.check_wheel

# For macOS, the BSDs and musl, by ziglang's compiler; nothing of it is run.
cross: $(VENV)/cross.done
	@$(BIN)/python .ci/cross.py $(TARGETS)

# Writes docs/compatibility.md.
matrix:
	@.ci/install build
	@$(PYTHON) .ci/matrix.py --pytest="$(SHARED)" $(CELLS)

# Six minutes, the first time more; writes docs/compatibility.md.
frontends: $(VENV)/test.done
	@$(BIN)/python -m tests.frontends $(NAMES)

bench: $(VENV)/bench.done
	@$(BIN)/python -m bench

# Twenty minutes on a machine that does nothing else; writes docs/benchmarks.md and its plots.
benchmarks: $(VENV)/bench.done
	@$(BIN)/python -m bench --publish docs/benchmarks.md

# Its classes of attacks are in make test, once and through every way in; docs/security.md.
adversary: $(VENV)/test.done
	@$(BIN)/python -m tests.adversary $(MINUTES) $(SEED)

# Small faults, each put into a copy of the tree: the tests that are named for it must notice it.
faults: $(VENV)/test.done
	@$(BIN)/python -m tests.faults $(FAULT)

# Ctrl-C ends it, with what there is so far; see docs/proof.md.
soak: $(VENV)/test.done
	@$(BIN)/python -m tests.soak --minutes=$(MINUTES) --way=$(WAY) $(if $(JSON),--json=$(JSON))

# Faults as above, which are for a minute's soak to find.
soak-proof: $(VENV)/test.done
	@$(BIN)/python -m tests.faults for the soak

# By a schedule that the seed makes; nothing may be wrong, lost or doubled, nor hang, nor leak.
failing-calls: $(VENV)/test.done build/sanitized/samesite_proxy/_engine$(EXT_SUFFIX)
	@$(SANITIZED) $(call WITH_ENGINE,build/sanitized/samesite_proxy/_engine$(EXT_SUFFIX)) \
		$(BIN)/python -m tests.failing_calls $(MINUTES) $(SEED)

# Of each visit every allocation, alone and with all that follow it: a quarter of an hour.
failing-allocations: $(VENV)/test.done build/sanitized/samesite_proxy/_engine$(EXT_SUFFIX)
	@$(SANITIZED) $(call WITH_ENGINE,build/sanitized/samesite_proxy/_engine$(EXT_SUFFIX)) \
		$(BIN)/python -m tests.failing_calls.allocations $(SEED)

# The newest versions of all that the suite is run with, for the Python that it is run with.
raise:
	@$(PYTHON) -m venv --clear build/raised
	@build/raised/bin/pip install -q -U pip setuptools
	@build/raised/bin/pip install -q --group test
	@build/raised/bin/pip freeze -q --all >$(PINS)
	@git diff --stat $(PINS)

clean:
	rm -rf build dist $(VENV) .venv-neighbours example_project/var samesite_proxy/*.so *.egg-info
