#!/bin/sh
# Runs the test that drives the original suite, with our command in its place: a
# machine that has no wstest can still tell whether that test works.
#
#	internal/autobahn/standin.sh '6.*,7.*'
set -eu
cd "$(dirname "$0")/../.."
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
go build -o "$bin/wstest" ./internal/autobahn/cmd/autobahn
AUTOBAHN=wstest AUTOBAHN_CASES="${1:-*}" PATH="$bin:$PATH" go test -count=1 -timeout 30m -run '^TestAutobahn$' .
