# `make test` is the test suite. `.ci/run` runs all checks that one machine can run: lint,
# test, and the targets below that are not part of test. The jobs of
# .github/workflows/ci.yml run the same targets.

GO       ?= go
TOOLS    := $(CURDIR)/internal/tools/go.mod
TOOL      = $(GO) tool -modfile=$(TOOLS)
# SELECT is go test, but fails if its patterns select no test.
SELECT    = GO="$(GO)" $(CURDIR)/internal/gotest.sh
MODULES  := . internal/thirdparty internal/thirdparty/moved
# The other of the two supported releases of Go.
OTHER_GO ?= go1.27.4
FUZZTIME ?= 5s
KERNELS  := ./internal/mask ./internal/utf8stream
# Tests of the root package that repeat excludes.
LONG     := Autobahn|^Fuzz
REPEATS  ?= 3
# Platforms to build and vet, including tests: other systems, 32 bits, and a big-endian
# processor.
PLATFORMS := windows/amd64 darwin/arm64 freebsd/amd64 plan9/amd64 js/wasm linux/386 linux/arm64 linux/s390x
# Of a soak: the number of concurrent clients, the minutes, and other flags.
CONNECTIONS ?= 2000
MINUTES     ?= 10
SOAKFLAGS   ?= -svg ../../docs/soak.svg

.PHONY: test race interop browser plain other-go purego cross emulate conformance faults stress repeat fuzz \
	shortsoak moved lint tidy vulncheck subjects fmt bench bench-all bench-page flamegraph microbench soak peers

# RACE are the flags of tests with the race detector. It does not watch the loops of
# compression that other projects maintain, which it makes 35 times as slow; their calls
# are in packages that it does watch. No test package leaves a goroutine behind, so the
# detector need not wait for late races at its end.
UNWATCHED := github.com/klauspost/compress/flate compress/flate
RACE      := -race $(foreach p,$(UNWATCHED),-gcflags=$(p)=-race=false)
export GORACE ?= atexit_sleep_ms=100

# Each package once under the race detector, the tests against other implementations,
# and the browser's build in Chromium and Node.js. The verdicts of the conformance suite
# on other libraries take long under the race detector: conformance has them. The tests of
# interop wait for other programs for a third of their time, so four packages run at once.
test: race interop browser

race:
	$(GO) test $(RACE) -timeout 15m ./...

interop: peers
	cd internal/thirdparty && $(GO) test $(RACE) -p 4 -timeout 15m $$($(GO) list ./... | grep -vE '/(browser|conformance)$$')

# Run in its directory, go test prints the output of the tests: the numbers that passed.
browser: peers
	GOOS=js GOARCH=wasm $(GO) build ./wsjson ./wspb
	cd internal/thirdparty/browser && $(GO) test $(RACE) -timeout 15m

# All tests without the race detector. Some are built only without it.
plain:
	$(GO) test -count=1 -timeout 10m ./...

other-go:
	GOTOOLCHAIN=$(OTHER_GO) $(GO) test -count=1 -timeout 10m ./...

# The portable kernels, and the packages on top of them. Go's FIPS 140-3 module does not
# start in a build with this tag.
purego:
	$(GO) test -count=1 -tags purego -skip '^TestHandshakeFIPS$$' -timeout 10m . ./wsjson ./wspb $(KERNELS) ./internal/attack

cross:
	for platform in $(PLATFORMS); do \
		echo $$platform; \
		GOOS=$${platform%/*} GOARCH=$${platform#*/} $(GO) vet ./... || exit 1; done

# qemu runs the kernels on amd64 without AVX2 and without SSSE3, on arm64, s390x and 386.
# On 386 it does not support the signals of preemption. There, where an int has 32 bits,
# it also runs the tests of attacks and of frames.
emulate: peers
	for cpu in qemu64 Nehalem; do \
		GOARCH=amd64 $(GO) test -count=1 -exec "qemu-x86_64 -cpu $$cpu" $(KERNELS) || exit 1; done
	GOARCH=arm64 $(GO) test -count=1 -exec qemu-aarch64 $(KERNELS)
	GOARCH=s390x $(GO) test -count=1 -exec qemu-s390x $(KERNELS)
	GODEBUG=asyncpreemptoff=1 GOARCH=386 $(GO) test -count=1 -exec qemu-i386 $(KERNELS)
	GODEBUG=asyncpreemptoff=1 GOARCH=386 $(SELECT) -count=1 -short -exec qemu-i386 -run 'Attack|Frame|Header|Limit' . ./internal/attack

# The conformance suite with the original's number of messages, the test that drives the
# original, and the results of other libraries; and the order of their benchmarks.
conformance:
	$(SELECT) -count=1 -timeout 15m -run '^TestAutobahn$$' . -autobahn.messages 1000
	internal/autobahn/standin.sh
	cd internal/thirdparty && $(GO) test -count=1 -timeout 20m ./conformance ./bench

# Each operation on a stream that breaks, at every byte. `make test` omits most of them.
faults:
	$(SELECT) -count=1 -timeout 10m -run '^TestFaults' ./internal/faults -faults.all

# All methods at random, for a minute.
stress:
	$(SELECT) -race -count=1 -run '^TestStress$$' ./internal/stress -stress.time 60s

repeat:
	$(SELECT) -race -short -skip '$(LONG)' -count=$(REPEATS) -timeout 30m .

fuzz:
	internal/fuzz.sh $(FUZZTIME)

shortsoak:
	cd internal/thirdparty && $(GO) run ./soak -connections 200 -minutes 0.34

# The tests of public programs that use another WebSocket library, with this one in its
# place. Not part of test, because it downloads them.
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

# Known vulnerabilities in the linked packages. Not part of lint, because it queries
# vuln.go.dev.
vulncheck:
	$(TOOL) govulncheck ./...

# The subjects of the commits that are not in BASE.
BASE ?= origin/main
subjects:
	internal/subjects.sh '$(BASE)..HEAD'

fmt:
	gofmt -w .

# Compare this library with others, write docs/benchmarks.md and print it: bench takes at
# most 15 minutes, bench-all measures all rows. The machine should be idle. bench-page
# writes the page from the stored results.
bench:
	cd internal/thirdparty && $(GO) run ./bench/report

bench-all:
	cd internal/thirdparty && $(GO) run ./bench/report -all

bench-page:
	cd internal/thirdparty && $(GO) run ./bench/report -render >/dev/null

# Draws docs/echo-flame.svg: what takes the processor time of a server that echoes.
flamegraph:
	cd internal/thirdparty && $(GO) run ./bench/flame

# Clients that connect, exchange messages, misbehave and leave, and a server whose resources
# must not grow; writes docs/soak.svg.
soak:
	cd internal/thirdparty && $(GO) run ./soak -connections $(CONNECTIONS) -minutes $(MINUTES) $(SOAKFLAGS)

# Benchmarks of this module. To compare two versions, keep the output of each
# and run `go tool -modfile=internal/tools/go.mod benchstat OLD NEW`.
microbench:
	$(GO) test -run '^$$' -bench . -benchmem ./...

# Installs missing programs that the tests need besides Go, on Debian: Chromium, Node.js
# with ws, Python's websockets, nginx, HAProxy, Apache, Caddy, tinyproxy, squid, qemu.
peers:
	internal/thirdparty/install.sh
