# make dev     builds, fetches the local model, starts on http://localhost:3000 and shows a first API key
# make test    everything: unit, route, wire, SDK, browser and command-line tests, and the README, in about half an hour
# make build   only builds; ./llmproxy start then runs it
# make fuzz    looks for provider streams that break the contract, for three minutes
# make crash   kills the gateway a thousand times under load and compares the books: make crash KILLS=1000 SEED=7
# make hostile runs the server with 512 MB against clients and providers that mean harm
# make format  brings the Java sources into the form that the build checks
.PHONY: dev test build fuzz crash hostile format model clean
.DEFAULT_GOAL := dev

maven = . scripts/find-java && mvn --batch-mode --no-transfer-progress
sources := $(shell find pom.xml src/main .mvn -type f)

dev:
	@scripts/dev

build: target/llmproxy.jar

# Tests have their own target: building for use does not compile them.
target/llmproxy.jar: $(sources)
	@scripts/build

model:
	@scripts/fetch-model

test:
	@scripts/test

# What it finds is kept as an input of the test, which mvn test tries from then on.
fuzz:
	@JAZZER_FUZZ=1 $(maven) test -Dtest=ProviderStreamFuzzTest#anyStreamKeepsTheContract

KILLS = 1000
crash:
	@$(maven) --quiet test-compile jar:jar dependency:copy-dependencies@lib surefire:test@crash \
	  -Dcrash.kills=$(KILLS) $(if $(SEED),-Dcrash.seed=$(SEED))

hostile:
	@$(maven) --quiet test-compile jar:jar dependency:copy-dependencies@lib surefire:test@hostile

format:
	@$(maven) --quiet spotless:apply

clean:
	rm -rf target
