#!/bin/sh
# Runs go test with arguments that select tests. Also fails if a package has no such test:
# otherwise a pattern that no longer matches would always pass.
#
#	internal/gotest.sh -run '^TestFaults' ./internal/faults
set -eu
output=$(mktemp)
trap 'rm -f "$output"' EXIT
status=0
${GO:-go} test "$@" >"$output" 2>&1 || status=$?
cat "$output"
if grep -qF '[no tests to run]' "$output"; then
	echo "go test $*: a package has no such test" >&2
	exit 1
fi
exit $status
