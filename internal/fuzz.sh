#!/bin/sh
# Runs the fuzz targets of both modules, each for a given time. Fails if one of them finds
# a failure, or if no target matches.
#
#	internal/fuzz.sh                    # 10 seconds each
#	internal/fuzz.sh 5m 1               # with one worker; '' is one per processor
#	internal/fuzz.sh 20m '' 'Conn$'     # targets whose names match
#	internal/fuzz.sh list               # lists the targets
set -eu
cd "$(dirname "$0")/.."
time=${1:-10s} workers=${2:-} names=${3:-.}
any='' failed=''

# declared prints, for each fuzz target of a module, its package and its name.
declared() {
	(cd "$1" && grep -ro '^func Fuzz[A-Za-z0-9_]*' --include='*_test.go' .) | grep -v '^./internal/thirdparty/' |
		sed 's,/[^/]*:func , ,' | sort -u
}

out=$(mktemp)
trap 'rm -f "$out"' EXIT

# run runs the current target.
run() {
	status=0
	(cd $module && go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 10x \
		${workers:+-parallel "$workers"} "$package") >"$out" 2>&1 || status=$?
	cat "$out"
	return $status
}

# ended_by_itself reports whether the last run failed without an input: the fuzzer may
# report the end of its own time as a failure.
ended_by_itself() { grep -q 'context deadline exceeded' "$out" && ! grep -q 'Failing input' "$out"; }

for module in . internal/thirdparty; do
	for package in $(declared $module | while read -r package target; do
		if echo "$target" | grep -qE "$names"; then echo "$package"; fi
	done | sort -u); do
		listed=$(cd $module && go test -list '^Fuzz' "$package")
		targets=$(echo "$listed" | grep '^Fuzz' | sort -u) || {
			echo "$module $package: no fuzz target, though there is a func Fuzz" >&2
			exit 1
		}
		for target in $(echo "$targets" | grep -E "$names"); do
			any=1
			if [ "$time" = list ]; then
				echo "$target"
				continue
			fi
			echo "$module $package $target"
			run || { ended_by_itself && run; } || failed=1
		done
	done
done
if [ ! "$any" ]; then
	echo "no fuzz target matches $names" >&2
	exit 1
fi
[ ! "$failed" ]
