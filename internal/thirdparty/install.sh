#!/bin/sh
# Installs what the tests drive besides Go programs: Chromium, Python's
# websockets, the ws package of Node.js, and qemu for tests of other processors.
# Says what is missing where it can't.
set -eu
cd "$(dirname "$0")"

need=
command -v chromium >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 || need="$need chromium"
/usr/bin/python3 -c 'import websockets' 2>/dev/null || need="$need python3-websockets"
command -v node >/dev/null 2>&1 || need="$need nodejs"
command -v npm >/dev/null 2>&1 || need="$need npm"
for processor in aarch64 i386 x86_64; do
	command -v qemu-$processor >/dev/null 2>&1 || { need="$need qemu-user" && break; }
done

if [ -n "$need" ]; then
	sudo=
	[ "$(id -u)" = 0 ] || sudo=sudo
	if ! command -v apt-get >/dev/null 2>&1; then
		echo "please install:$need" >&2
		exit 1
	fi
	$sudo apt-get update -q
	DEBIAN_FRONTEND=noninteractive $sudo apt-get install -q -y --no-install-recommends $need
fi

[ -d interop/testdata/node_modules/ws ] || (cd interop/testdata && npm ci --no-audit --no-fund)
