# make demo   the main job, end to end, in a throw-away home
# make test   everything that CI checks, in minutes
# make build  bin/akos and bin/akos-mcp
# make dist   what a release holds, in dist/
# The slow suites are in CONTRIBUTING.md.

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# Functions begin at 16 bytes, not at 32: less to load, and to keep in memory.
BUILD    = CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -funcalign=16 -X example.com/akos/internal/wire.version=$(VERSION)"
FUZZTIME ?= 30s
# akos speaks HTTP/1.1 alone. Without the HTTP/2 of net/http a binary is half a
# megabyte smaller, and takes less memory.
export GOFLAGS := $(GOFLAGS) -tags=nethttpomithttp2
STATICCHECK = go run honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: build demo test setup lint generated cross gates bench fuzz soak idp browser conformance evals clients dist

build:
	@$(BUILD) -o bin/ ./cmd/akos ./cmd/akos-mcp

setup:
	@scripts/setup.sh

demo: setup build
	@scripts/setup-browser.sh
	@scripts/demo.sh

test: setup build lint cross generated conformance
	go test -race -timeout 20m ./...
	@$(MAKE) --no-print-directory gates

lint:
	@test -z "$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go'))" || { gofmt -l .; echo "gofmt is not clean"; exit 1; }
	go vet ./...
	$(STATICCHECK) ./...

cross:
	GOOS=darwin CGO_ENABLED=0 go build -o /dev/null ./cmd/akos
	GOOS=darwin CGO_ENABLED=0 go build -o /dev/null ./cmd/akos-mcp
	GOOS=windows CGO_ENABLED=0 go build -o /dev/null ./cmd/akos
	GOOS=windows CGO_ENABLED=0 go build -o /dev/null ./cmd/akos-mcp
	GOOS=darwin CGO_ENABLED=0 go vet ./...
	GOOS=windows CGO_ENABLED=0 go vet ./...

# What go generate writes is committed: a difference is a change of the
# interface that nobody looked at.
generated:
	@before="$$(git status --porcelain)"; go generate ./... && \
	test "$$before" = "$$(git status --porcelain)" || { git status --short; echo "go generate changed these files: commit them"; exit 1; }

# What does not depend on the load of the machine: instructions, bytes, memory.
gates: build
	go test -count=1 -tags gates -run 'TestGate' . ./workspace/sidecar

bench: build
	go test -run '^$$' -bench . -benchtime 2s ./...

fuzz:
	@scripts/fuzz.sh $(FUZZTIME)

soak:
	AKOS_SOAK=1 go test -count=1 -timeout 60m -run 'TestKill' -v ./workspace/state

# The pages in a real Chromium. The pictures stay in a temporary directory.
browser:
	@scripts/setup-browser.sh
	go test -count=1 -timeout 10m -tags browser -run 'TestBrowser' -v -artifacts -outputdir "$$(mktemp -d)" ./workspace/pages ./workspace/entry ./mcpserver

# Logins at real identity providers.
idp:
	@scripts/setup-idp.sh
	go vet -tags idp ./...
	go test -count=1 -tags idp -run 'TestDex|TestOIDCProvider|TestOwnServer' -v ./workspace/login ./cmd/akos ./internal/serve

# The official conformance suite of MCP, at both revisions, and for authorization.
conformance:
	@scripts/setup-conformance.sh
	go vet -tags conformance ./mcpserver ./cmd/akos-mcp
	@scripts/conformance.sh

# Agents by script, at tasks and at attacks, judged by what they saw,
# and a leaky server, all of whose leaks must be found. EVALS=-run=login for some.
evals:
	@go run ./evals/run $(EVALS)

# The clients that people use, over stdio and HTTP, without a network.
# UPDATE=-update writes docs/clients.md anew from what is seen.
clients:
	@scripts/setup-clients.sh
	go vet -tags clients ./evals/clients
	@scripts/clients.sh $(UPDATE)

# What a release holds, without a network: static binaries, an MCP bundle for
# each platform, the entry for the MCP registry, the checksums.
PLATFORMS = linux-amd64 linux-arm64 darwin-amd64 darwin-arm64 windows-amd64 windows-arm64
dist:
	@rm -rf dist
	@set -e; for p in $(PLATFORMS); do echo "building dist/$$p"; mkdir -p dist/$$p; \
		GOOS=$${p%-*} GOARCH=$${p#*-} $(BUILD) -o dist/$$p/ ./cmd/akos ./cmd/akos-mcp; done
	go run ./scripts/dist -version "$(VERSION)"
	@ls dist
