# make dev     builds, fetches the local model, starts on http://localhost:3000 and shows a first API key
# make test    runs all tests: unit, route, wire, SDK, browser and command-line tests, and the README, in about 50 minutes
# make test TEST=GateRouteTest runs one class, TEST=GateRouteTest#name one test
# make build   only builds; then run ./llmproxy start
# make fuzz    searches for streams of providers that break the contract, three minutes for each wire format
# make crash   kills the gateway a thousand times under load and compares ledger and sheets: make crash KILLS=1000 SEED=7
# make test-cluster runs three servers on PostgreSQL, Redis and Kafka, kills each under load and restarts all: make test-cluster ROUNDS=3
# make hostile runs the server with 512 MB against hostile clients and providers
# make bench   measures speed and memory beside a bare proxy, in about 14 minutes (docs/performance.md): make bench SCENARIOS=growth
# make soak    puts every kind of request on the server and counts them all: make soak MINUTES=20 RATE=60
# make golden  rewrites the golden files of the tests, for review with git diff
# make dist    makes target/llmproxy-VERSION.tar.gz, which needs only Java; MODEL=on adds the local model (docs/deployment.md)
# make deploy-lambda  deploys to AWS Lambda (deploy/lambda)
# make format  formats the Java sources as the build requires
.PHONY: dev test test-cluster build fuzz crash hostile bench soak golden format model dist deploy-lambda clean
.DEFAULT_GOAL := dev

maven = . scripts/find-java && mvn --batch-mode --no-transfer-progress
sources := $(shell find pom.xml src/main .mvn -type f)

dev:
	@scripts/dev

build: target/llmproxy.jar

# Does not compile the tests.
target/llmproxy.jar: $(sources)
	@scripts/build

model:
	@scripts/fetch-model

test:
	@$(if $(TEST),$(maven) --quiet test -DfailIfNoTests=true -Dtest='$(TEST)',scripts/test)

# A finding becomes an input file of the test and is tried in every later run.
fuzz:
	@for test in ProviderStream MessagesStream GenerateStream; do \
	  (JAZZER_FUZZ=1; export JAZZER_FUZZ; $(maven) test -Dtest=$${test}FuzzTest#anyStreamKeepsTheContract) || exit 1; done

KILLS = 1000
crash:
	@$(maven) --quiet test-compile jar:jar dependency:copy-dependencies@lib surefire:test@crash \
	  -Dcrash.kills=$(KILLS) $(if $(SEED),-Dcrash.seed=$(SEED))

# Needs redis-server. The broker of Kafka has a class path of its own.
ROUNDS = 1
test-cluster:
	@$(maven) --quiet -f src/test/kafka/pom.xml dependency:copy-dependencies
	@$(maven) --quiet test-compile jar:jar dependency:copy-dependencies@lib surefire:test@cluster -Dcluster.rounds=$(ROUNDS)

hostile:
	@$(maven) --quiet test-compile jar:jar dependency:copy-dependencies@lib surefire:test@hostile

# Options are those of bench/run and bench/soak.
bench: build
	@bench/run $(SCENARIOS) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(REPEATS),--repeats $(REPEATS)) \
	  $(if $(WARM_UP),--warm-up $(WARM_UP)) $(if $(ROWS),--rows $(ROWS)) $(if $(KEYS),--keys $(KEYS))

soak: build
	@bench/soak $(if $(MINUTES),--minutes $(MINUTES)) $(if $(RATE),--rate $(RATE))

# A test that writes its file fails, so that no run with new files looks like a success. AccumulatorTest reads files of the
# other tests.
golden_run = $(maven) --quiet test-compile surefire:test@default-test -Dgolden=write \
  -Dmaven.test.failure.ignore=true -DtrimStackTrace=true
golden:
	@$(golden_run) -Dtest='OpenAiStreamTranslatorTest,OpenAiChatTest,Messages*Test,Generate*Test,ProviderCasesRouteTest,ConfigurationPageTest'
	@$(golden_run) -Dtest=AccumulatorTest
	@git status --short src/test/resources/fixtures docs/configuration.md

dist:
	@scripts/dist $(if $(filter on,$(MODEL)),--model)

deploy-lambda:
	@deploy/lambda/deploy

format:
	@$(maven) --quiet spotless:apply

clean:
	rm -rf target
