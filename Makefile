# `make test` is the test suite. `.ci/run` is everything that can be checked without
# other machines: lint, test, and the targets below that are no part of test. The
# jobs of .github/workflows/ci.yml run the same targets.

GO       ?= go
TOOLS    := $(CURDIR)/internal/tools/go.mod
TOOL      = $(GO) tool -modfile=$(TOOLS)
# SELECT is go test, and fails where its patterns select no test.
SELECT    = GO="$(GO)" $(CURDIR)/internal/gotest.sh
MODULES  := . internal/thirdparty internal/thirdparty/moved
# The other of the two supported releases of Go.
OTHER_GO ?= go1.27.4
FUZZTIME ?= 5s
KERNELS  := ./internal/mask ./internal/utf8stream
# Of the root package: the tests that are not repeated.
LONG     := Autobahn|^Fuzz
REPEATS  ?= 3
# The platforms that are built and vetted, tests included: other systems, 32 bits,
# and a processor whose bytes are in the other order.
PLATFORMS := windows/amd64 darwin/arm64 freebsd/amd64 plan9/amd64 js/wasm linux/386 linux/arm64 linux/s390x
# Of a soak: how many clients at a time, for how many minutes, and what else the
# command is told.
CONNECTIONS ?= 2000
MINUTES     ?= 10
SOAKFLAGS   ?= -svg ../../docs/soak.svg

.PHONY: test race interop browser plain other-go purego cross emulate conformance faults stress repeat fuzz \
	shortsoak moved lint tidy vulncheck subjects fmt bench bench-all bench-page microbench soak peers

# Each package once under the race detector, the tests against other implementations,
# and the browser's build in Chromium and Node.js.
test: race interop browser

race:
	$(GO) test -race -timeout 15m ./...

interop: peers
	cd internal/thirdparty && $(GO) test -race -timeout 15m $$($(GO) list ./... | grep -v /browser$$)

# From its own directory go test lets the tests print how many passed.
browser: peers
	GOOS=js GOARCH=wasm $(GO) build ./wsjson ./wspb
	cd internal/thirdparty/browser && $(GO) test -race -timeout 15m

# All tests without the race detector. Some are built without it only.
plain:
	$(GO) test -count=1 -timeout 10m ./...

other-go:
	GOTOOLCHAIN=$(OTHER_GO) $(GO) test -count=1 -timeout 10m ./...

# The portable kernels, and what is on top of them. Go's FIPS 140-3 module does not
# start in a build with this tag.
purego:
	$(GO) test -count=1 -tags purego -skip '^TestHandshakeFIPS$$' -timeout 10m . ./wsjson ./wspb $(KERNELS) ./internal/attack

cross:
	for platform in $(PLATFORMS); do \
		echo $$platform; \
		GOOS=$${platform%/*} GOARCH=$${platform#*/} $(GO) vet ./... || exit 1; done

# qemu runs the kernels on amd64 without AVX2 and without SSSE3, on arm64, on s390x,
# and on 386, where it can't bear the signals of preemption; and there, where an int
# has 32 bits, the tests of attacks and of frames.
emulate: peers
	for cpu in qemu64 Nehalem; do \
		GOARCH=amd64 $(GO) test -count=1 -exec "qemu-x86_64 -cpu $$cpu" $(KERNELS) || exit 1; done
	GOARCH=arm64 $(GO) test -count=1 -exec qemu-aarch64 $(KERNELS)
	GOARCH=s390x $(GO) test -count=1 -exec qemu-s390x $(KERNELS)
	GODEBUG=asyncpreemptoff=1 GOARCH=386 $(GO) test -count=1 -exec qemu-i386 $(KERNELS)
	GODEBUG=asyncpreemptoff=1 GOARCH=386 $(SELECT) -count=1 -short -exec qemu-i386 -run 'Attack|Frame|Header|Limit' . ./internal/attack

# The conformance suite with as many messages as the original sends, the test that
# drives the original, and the other libraries' results.
conformance:
	$(SELECT) -count=1 -timeout 15m -run '^TestAutobahn$$' . -autobahn.messages 1000
	internal/autobahn/standin.sh
	cd internal/thirdparty && $(GO) test -count=1 -timeout 20m ./conformance

# Each operation on a stream that breaks, at every byte. The ordinary run leaves
# out most of them.
faults:
	$(SELECT) -count=1 -timeout 10m -run '^TestFaults' ./internal/faults -faults.all

# A minute of all methods at random.
stress:
	$(SELECT) -race -count=1 -run '^TestStress$$' ./internal/stress -stress.time 60s

repeat:
	$(SELECT) -race -short -skip '$(LONG)' -count=$(REPEATS) -timeout 30m .

fuzz:
	internal/fuzz.sh $(FUZZTIME)

shortsoak:
	cd internal/thirdparty && $(GO) run ./soak -connections 200 -minutes 0.34

# Public programs that use another WebSocket library, with this one in its place, and
# their own tests. No part of test: it downloads them.
moved:
	cd internal/thirdparty/moved && $(GO) test -count=1 -timeout 10m

lint: tidy
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "gofmt: $$unformatted"; exit 1; fi
	for module in $(MODULES); do \
		(cd $$module && $(GO) vet ./... && $(TOOL) staticcheck ./...) || exit 1; done
	staticcheck=$$($(TOOL) -n staticcheck) && GOOS=js GOARCH=wasm $$staticcheck . ./internal/wsjs ./examples/wasm/...
	$(TOOL) actionlint -shellcheck= -pyflakes= .github/workflows/*.yml
	cd internal/thirdparty && $(GO) run ./structure

tidy:
	for module in $(MODULES) internal/tools; do (cd $$module && $(GO) mod tidy -diff) || exit 1; done

# Known vulnerabilities in what a program links. It asks vuln.go.dev, and is no part
# of lint: .ci/run does without that.
vulncheck:
	$(TOOL) govulncheck ./...

# The subjects of the commits that are not in BASE.
BASE ?= origin/main
subjects:
	internal/subjects.sh '$(BASE)..HEAD'

fmt:
	gofmt -w .

# Measures this library beside others, writes docs/benchmarks.md and prints it: bench in
# at most 15 minutes, bench-all with all rows. The machine should have nothing else to do.
# bench-page makes the page of the results that are kept.
bench:
	cd internal/thirdparty && $(GO) run ./bench/report

bench-all:
	cd internal/thirdparty && $(GO) run ./bench/report -all

bench-page:
	cd internal/thirdparty && $(GO) run ./bench/report -render >/dev/null

# Clients that come, talk, misbehave and leave, and a server that must not hold more
# with time; writes docs/soak.svg.
soak:
	cd internal/thirdparty && $(GO) run ./soak -connections $(CONNECTIONS) -minutes $(MINUTES) $(SOAKFLAGS)

# Benchmarks of this module. To compare two versions, keep the output of each
# and run `go tool -modfile=internal/tools/go.mod benchstat OLD NEW`.
microbench:
	$(GO) test -run '^$$' -bench . -benchmem ./...

# What the tests need besides Go: Chromium, Node.js with ws, Python's
# websockets, nginx, HAProxy, Apache, Caddy. Installed where missing, if this is Debian.
peers:
	internal/thirdparty/install.sh
