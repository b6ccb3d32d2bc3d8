#!/bin/sh
# Runs the fuzz targets of both modules, each for a while, and fails if one of
# them has found something.
#
#	internal/fuzz.sh                    # 10 seconds each
#	internal/fuzz.sh 5m 1               # with one worker; '' is one for each processor
#	internal/fuzz.sh 20m '' 'Conn$'     # those whose names match
#	internal/fuzz.sh list               # says what there is
set -eu
cd "$(dirname "$0")/.."
time=${1:-10s} workers=${2:-} names=${3:-.}
any= failed=
for module in . internal/thirdparty; do
	for file in $(cd $module && grep -rl '^func Fuzz' --include='*_test.go' . | grep -v '^./internal/thirdparty/' | sort); do
		package=./$(dirname "${file#./}")
		case " ${seen:=} " in *" $module/$package "*) continue ;; esac
		seen="$seen $module/$package"
		targets=$(cd $module && go test -list '^Fuzz' "$package")
		for target in $(echo "$targets" | grep '^Fuzz' | grep -E "$names"); do
			any=1
			if [ "$time" = list ]; then
				echo "$target"
				continue
			fi
			echo "$module $package $target"
			(cd $module && go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 10x \
				${workers:+-parallel "$workers"} "$package") || failed=1
		done
	done
done
[ "$any" ] && [ ! "$failed" ]
