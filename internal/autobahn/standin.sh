#!/bin/sh
# Runs the test that drives the original suite with our command in its place, so that
# the test can be checked on a machine without wstest.
#
#	internal/autobahn/standin.sh '6.*,7.*'
set -eu
cd "$(dirname "$0")/../.."
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
go build -o "$bin/autobahn" ./internal/autobahn/cmd/autobahn

# drive runs the test with the cases $1 and a wstest that does $2.
drive() {
	printf '#!/bin/sh\n%s\n' "$2" >"$bin/wstest"
	chmod +x "$bin/wstest"
	AUTOBAHN=wstest AUTOBAHN_CASES="$1" PATH="$bin:$PATH" go test -timeout 30m -run '^TestAutobahn$' . >"$bin/output" 2>&1
}

# fail prints the last output and why it is wrong.
fail() {
	cat "$bin/output"
	echo "standin.sh: $1" >&2
	exit 1
}

# This checks the test and not the speed of the machine.
suite="exec '$bin/autobahn' \"\$@\" -patience 20 -messages 10"
drive "${1:-*}" "$suite" || fail "the test failed"

# A cached result does not apply to a later version of the original.
drive 1.1.1 "$suite" || fail "the test failed"
drive 1.1.1 "$suite" || fail "the test failed"
if grep -q '(cached)' "$bin/output"; then fail "the result was cached"; fi

# The test detects an original suite that ends too early.
if drive 1.1.1 'exit 3'; then fail "an original that ends at once passed"; fi
grep -q 'ended before it listened' "$bin/output" || fail "the test did not notice that the original ended"
