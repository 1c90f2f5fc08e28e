# Versions of the tools. golangci-lint's is in tools/go.mod; protoc-gen-go is built from the
# google.golang.org/protobuf that go.mod names, so that generator and library agree.
BUF_VERSION := 1.75.0
PROTOVALIDATE_VERSION := v1.2.2

FUZZTIME ?= 10s
COUNT ?= 10000
MUTATIONS ?= 1000000
BENCHFLAGS ?=

TOOLS := $(CURDIR)/.tools
BUF := $(TOOLS)/node_modules/.bin/buf
PROTOC_GEN_GO := $(TOOLS)/bin/protoc-gen-go
GOLANGCI_LINT := $(TOOLS)/bin/golangci-lint
PROMTOOL := $(TOOLS)/bin/promtool
VALIDATE_PROTO := $(TOOLS)/protovalidate/buf/validate/validate.proto
export PATH := $(TOOLS)/bin:$(TOOLS)/node_modules/.bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help build test integration matrix test-32 cross test-values fuzz bench bench-names bench-codecs lint lint-proto breaking check check-deploy generate peers dist clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## pyroctl, static, into bin/
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o bin/ ./cmd/...

test: peers ## vet, and every test with -race, real Python peers included
	scripts/test.sh

integration: peers ## only the tests against real Python peers
	scripts/test.sh -count=1 ./integration/...

matrix: peers ## try each feature between pyrokit, Pyro4 and Pyro5; writes docs/matrix.md
	scripts/test.sh -count=1 -v -run='^TestMatrix$$' ./integration -matrix.write=$(CURDIR)/docs/matrix.md

test-32: ## the core's tests on a 32-bit processor
	GOARCH=386 go test ./codec/... ./transport/... ./service/...

cross: ## vet for Windows, macOS, FreeBSD and 32 bits, which takes minutes the first time
	scripts/cross.sh

test-values: peers ## COUNT (10000) values each way through real Python with each serializer
	scripts/test.sh -count=1 -timeout=0 -run=TestValues ./integration -values.count=$(COUNT)

fuzz: ## every fuzz target for FUZZTIME (10s), and MUTATIONS (1000000) changed messages for each serializer
	FUZZTIME=$(FUZZTIME) MUTATIONS=$(MUTATIONS) scripts/fuzz.sh

bench: peers ## compare with bare TCP, net/rpc, gRPC and Python; BENCHFLAGS='-json -rounds 3'
	cd integration/bench && go run . $(BENCHFLAGS)

bench-names: peers ## compare name servers with Python's; BENCHFLAGS as for bench
	cd integration/bench && go run . -names -rounds 5 $(BENCHFLAGS)

bench-codecs: peers ## compare serializers with Python's and with encoding/json; BENCHFLAGS as for bench
	cd integration/bench && go run . -codecs $(BENCHFLAGS)

lint: $(GOLANGCI_LINT) ## golangci-lint
	$(GOLANGCI_LINT) run ./...
	cd integration/bench && $(GOLANGCI_LINT) run ./...

lint-proto: $(BUF) $(VALIDATE_PROTO) ## buf lint and format
	$(BUF) lint
	$(BUF) format --diff --exit-code proto

breaking: $(BUF) $(VALIDATE_PROTO) ## .proto files break nothing of the last release, or of AGAINST=REVISION
	AGAINST=$(AGAINST) scripts/breaking.sh

check: lint lint-proto breaking cross $(BUF) $(PROTOC_GEN_GO) $(VALIDATE_PROTO) ## what needs no test: lint, other systems, format, go.mod, generated code
	scripts/check.sh

check-deploy: $(PROMTOOL) ## what is in deploy/, with promtool, Kubernetes' schemas and systemd
	scripts/check-deploy.sh

generate: $(BUF) $(PROTOC_GEN_GO) $(VALIDATE_PROTO) ## Go and docs/reference.md from the .proto files
	$(BUF) format --write proto
	$(BUF) generate proto
	$(BUF) build --path proto/pyrokit/config/v1 --exclude-imports --as-file-descriptor-set -o service/config/schema.binpb.gz
	go run ./internal/cmd/protodoc service/config/schema.binpb.gz docs/reference.md

peers: ## Pyro4 and Pyro5 into .peers/venv, Pyrolite for Java into .peers/pyrolite
	scripts/peers.sh

dist: ## pyroctl for every released system, into dist/
	scripts/dist.sh

clean: ## remove what the targets made
	rm -rf bin dist .tools .peers

# npm's own build of buf: the binary is inside the package, no install script is needed.
$(BUF): Makefile
	npm install --prefix $(TOOLS) --no-save --no-audit --no-fund --ignore-scripts --loglevel=error @bufbuild/buf@$(BUF_VERSION)
	@touch $@

# The rules that .proto files state are defined there. Its own registry is not needed for that.
$(VALIDATE_PROTO): Makefile
	dir=$$(go mod download -json github.com/bufbuild/protovalidate@$(PROTOVALIDATE_VERSION) | sed -n 's/.*"Dir": "\(.*\)".*/\1/p') && \
		install -D -m 644 "$$dir/proto/protovalidate/buf/validate/validate.proto" $@

$(PROTOC_GEN_GO): go.mod
	go build -o $@ google.golang.org/protobuf/cmd/protoc-gen-go

$(GOLANGCI_LINT): tools/go.mod
	go -C tools build -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

$(PROMTOOL): tools/promtool/go.mod
	go -C tools/promtool build -o $@ github.com/prometheus/prometheus/cmd/promtool
