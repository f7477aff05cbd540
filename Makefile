# make run   sets all up and starts the robot on its simulator; ARGS="--port 8090" are passed on (luna sim --help)
# make test  sets all up and runs every test; ARGS="-k delivery" are passed on to pytest

.DEFAULT_GOAL := help
.PHONY: help run setup test soak mutation check bench bench-nav bench-store bench-api clean
ARGS ?=
PYTEST := .venv/bin/python -m pytest

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-11s %s\n", $$1, $$2}' Makefile

run: setup ## the robot on its simulator, with broker and central server, until Ctrl-C
	@exec .venv/bin/luna sim --data-dir .luna $(ARGS)

setup: ## .venv with everything pinned, and the ROS messages; seconds when nothing changed
	@tools/setup.sh

test: setup ## every test: unit, contracts and integration in parallel, then the whole system and the safety figures
	$(PYTEST) -n 2 --dist loadfile tests/unit tests/contracts tests/integration $(ARGS)
	$(PYTEST) tests/durability tests/system tests/safety $(ARGS)

soak: setup ## the safety tests with their full counts, some 70 minutes on a machine that does nothing else
	LUNA_SOAK=1 $(PYTEST) tests/safety tests/durability tests/system/test_kills.py tests/integration/test_api_fuzz.py tests/unit/firmware_bridge/reference tests/unit/firmware_bridge/test_frames_fuzz.py --timeout 3600 -o faulthandler_timeout=0 $(ARGS)

mutation: setup ## would the tests notice a wrong change of the safety code? half an hour; ARGS="latch holds" judges those
	.venv/bin/python -m tools.mutation $(ARGS)

check: setup ## lint, format, types, who may import whom
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

bench: setup ## the numbers that matter: a table, and benchmarks/results/latest.json
	.venv/bin/python -m benchmarks $(ARGS)

bench-store: setup ## the store beside bare SQLite and other queues, and the catalogue's search at a million titles
	.venv/bin/python -m benchmarks store titles $(ARGS)

bench-nav: setup ## 100 missions on each of three maps, in simulated time; ARGS="--quick" for 5, ARGS="nav_memory" also for 10,000 short ones
	.venv/bin/python -m benchmarks nav $(ARGS)

bench-api: setup ## HTTP beside an application of the usual shape and beside the limit, ten minutes; needs wrk
	.venv/bin/python -m pip install -q --no-deps --target build/bench -r requirements/bench.txt
	PYTHONPATH=build/bench .venv/bin/python -m benchmarks api $(ARGS)

clean: ## remove what make made, but not the robot's data in .luna
	rm -rf .venv build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis luna_edge.egg-info
