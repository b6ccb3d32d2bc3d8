#!/bin/sh
# Runs the test that drives the original suite, with our command in its place: a
# machine that has no wstest can still tell whether that test works.
#
#	internal/autobahn/standin.sh '6.*,7.*'
set -eu
cd "$(dirname "$0")/../.."
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
go build -o "$bin/autobahn" ./internal/autobahn/cmd/autobahn
# It is the test that is tested, and not how fast the machine is.
printf '#!/bin/sh\nexec "%s/autobahn" "$@" -patience 20 -messages 10\n' "$bin" >"$bin/wstest"
chmod +x "$bin/wstest"
AUTOBAHN=wstest AUTOBAHN_CASES="${1:-*}" PATH="$bin:$PATH" go test -count=1 -timeout 30m -run '^TestAutobahn$' .
