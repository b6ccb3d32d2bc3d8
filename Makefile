# What CI runs, make runs. `make test` is the whole test suite; the other
# targets are for those who change the code.

GO       ?= go
TOOLS    := $(CURDIR)/internal/tools/go.mod
TOOL      = $(GO) tool -modfile=$(TOOLS)
MODULES  := . internal/thirdparty internal/thirdparty/moved
# The other of the two supported releases of Go, for the long runs.
OTHER_GO ?= go1.27.4
FUZZTIME ?= 10s
KERNELS  := ./internal/mask ./internal/utf8stream
# The tests of the root package that are not repeated.
LONG     := Autobahn|^Fuzz
# Of a soak: how many clients at a time, for how many minutes, and what else the
# command is told.
CONNECTIONS ?= 2000
MINUTES     ?= 10
SOAKFLAGS   ?= -svg ../../docs/soak.svg

.PHONY: test moved conformance faults lint fmt bench microbench soak peers

# All tests, under the race detector; the browser's build; the tests against
# other implementations; the tests in Chromium and Node.js, from their directory,
# where go test lets them print how many passed.
test: peers
	GOOS=js GOARCH=wasm $(GO) vet . ./internal/wsjs ./wsjson ./wspb ./examples/wasm/...
	GOOS=js GOARCH=wasm $(GO) build ./wsjson ./wspb
	$(GO) test -race -timeout 15m ./...
	cd internal/thirdparty && $(GO) test -race -timeout 15m $$($(GO) list ./... | grep -v /browser$$)
	cd internal/thirdparty/browser && $(GO) test -race -timeout 15m

# Public programs that use another WebSocket library, with this one in its place, and
# their own tests. No part of test: it downloads them.
moved:
	cd internal/thirdparty/moved && $(GO) test -count=1 -timeout 10m

# The long runs: a minute of all methods at random, with the race detector; without
# it streams that break at every byte, the conformance suite with as many messages as
# the original sends, a short soak, every test, with the portable kernels and with the
# other release of Go too, the builds for other platforms, and each fuzz target; then
# what of the root package takes no longer than that, 20 times with the race detector.
# qemu runs the kernels on amd64 without AVX2 and without SSSE3, on arm64, and on
# 386, where it can't bear the signals of preemption; and there, where an int has 32
# bits, the tests of attacks and of frames.
conformance: peers faults
	$(GO) test -race -count=1 -run '^TestStress$$' ./internal/stress -stress.time 60s
	$(GO) test -count=1 -timeout 15m -run '^TestAutobahn$$' . -autobahn.messages 1000
	internal/autobahn/standin.sh
	cd internal/thirdparty && $(GO) test -count=1 -timeout 20m ./conformance
	cd internal/thirdparty && $(GO) run ./soak -connections 200 -minutes 0.34
	$(GO) test -count=1 -timeout 10m ./...
	$(GO) test -count=1 -tags purego -timeout 10m ./...
	GOTOOLCHAIN=$(OTHER_GO) $(GO) test -count=1 -timeout 10m ./...
	for target in windows/amd64 darwin/arm64 freebsd/amd64 linux/386 linux/arm64; do \
		GOOS=$${target%/*} GOARCH=$${target#*/} $(GO) vet . ./wsjson ./wspb ./internal/... || exit 1; done
	for cpu in qemu64 Nehalem; do \
		GOARCH=amd64 $(GO) test -count=1 -exec "qemu-x86_64 -cpu $$cpu" $(KERNELS) || exit 1; done
	GOARCH=arm64 $(GO) test -count=1 -exec qemu-aarch64 $(KERNELS)
	GODEBUG=asyncpreemptoff=1 GOARCH=386 $(GO) test -count=1 -exec qemu-i386 $(KERNELS)
	GODEBUG=asyncpreemptoff=1 GOARCH=386 $(GO) test -count=1 -short -exec qemu-i386 -run 'Attack|Frame|Header|Limit' . ./internal/attack
	$(GO) test -race -short -skip '$(LONG)' -count=20 -timeout 30m .
	internal/fuzz.sh $(FUZZTIME)

# Each operation on a stream that breaks, at every byte. The ordinary run leaves
# out most of them.
faults:
	$(GO) test -count=1 -timeout 10m -run '^TestFaults' ./internal/faults -faults.all

lint:
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "gofmt: $$unformatted"; exit 1; fi
	for module in $(MODULES); do \
		(cd $$module && $(GO) vet ./... && $(TOOL) staticcheck ./...) || exit 1; done
	GOOS=js GOARCH=wasm $(GO) vet . ./internal/wsjs ./examples/wasm/...
	staticcheck=$$($(TOOL) -n staticcheck) && GOOS=js GOARCH=wasm $$staticcheck . ./internal/wsjs ./examples/wasm/...

fmt:
	gofmt -w .

# Measures this library beside others, writes docs/benchmarks.md and prints it. The machine
# should have nothing else to do.
bench:
	cd internal/thirdparty && $(GO) run ./bench/report

# Clients that come, talk, misbehave and leave, and a server that must not hold more
# with time; writes docs/soak.svg.
soak:
	cd internal/thirdparty && $(GO) run ./soak -connections $(CONNECTIONS) -minutes $(MINUTES) $(SOAKFLAGS)

# Benchmarks of this module. To compare two versions, keep the output of each
# and run `go tool -modfile=internal/tools/go.mod benchstat OLD NEW`.
microbench:
	$(GO) test -run '^$$' -bench . -benchmem ./...

# What the tests need besides Go: Chromium, Node.js with ws, Python's
# websockets, nginx, HAProxy, tinyproxy, squid. Installed where missing, if this is
# Debian and we are root.
peers:
	internal/thirdparty/install.sh
