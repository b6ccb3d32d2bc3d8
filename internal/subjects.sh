#!/bin/sh
# Checks the subjects of commits: `package: what it does now`, at most 72 columns.
# It ignores merges.
#
#	internal/subjects.sh origin/main..HEAD
set -eu
[ $# = 1 ] || { echo "usage: subjects.sh RANGE" >&2 && exit 2; }
subjects=$(git log --no-merges --format='%h %s' "$1")
wrong=$(printf '%s\n' "$subjects" | grep -vE '^$|^[0-9a-f]+ [A-Za-z0-9._/*-]+(, [A-Za-z0-9._/*-]+)*: [^ ].*[^. ]$' || true)
long=$(printf '%s\n' "$subjects" | while read -r hash subject; do
	[ ${#subject} -le 72 ] || echo "$hash $subject"
done)
[ -z "$wrong" ] || printf 'not of the form "package: what it does now":\n%s\n' "$wrong" >&2
[ -z "$long" ] || printf 'over 72 columns:\n%s\n' "$long" >&2
[ -z "$wrong$long" ]
