#!/bin/sh
# Installs what the tests drive besides Go programs: Chromium, nginx, HAProxy,
# Python's websockets, the ws package of Node.js, and qemu for tests of other
# processors. Says what is missing where it can't.
set -eu
cd "$(dirname "$0")"
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" # where proxies are

need=
command -v chromium >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 || need="$need chromium"
/usr/bin/python3 -c 'import websockets' 2>/dev/null || need="$need python3-websockets"
command -v node >/dev/null 2>&1 || need="$need nodejs"
command -v npm >/dev/null 2>&1 || need="$need npm"
for processor in aarch64 i386 x86_64; do
	command -v qemu-$processor >/dev/null 2>&1 || { need="$need qemu-user" && break; }
done

# The tests start proxies by themselves. The services that come with the packages
# would only take ports.
proxies=
for proxy in nginx haproxy; do
	command -v $proxy >/dev/null 2>&1 || proxies="$proxies $proxy"
done

install() {
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
}

# install_proxies leaves the services stopped. Where systemd runs they are not
# even started. Otherwise they may be, and apt-get fails if they can't; what
# counts is that the programs are there.
install_proxies() {
	if [ -d /run/systemd/system ]; then
		$sudo systemctl mask --quiet $proxies || true
		install $proxies || true
		$sudo systemctl unmask --quiet $proxies || true
	else
		install $proxies || true
	fi
	for proxy in $proxies; do
		command -v $proxy >/dev/null 2>&1 || return 1
		$sudo service $proxy stop >/dev/null 2>&1 || true
		$sudo update-rc.d $proxy disable >/dev/null 2>&1 || true
	done
}

if [ -n "$need$proxies" ]; then
	sudo=
	[ "$(id -u)" = 0 ] || sudo=sudo
	if ! command -v apt-get >/dev/null 2>&1; then
		echo "please install:$need$proxies" >&2
		exit 1
	fi
	$sudo apt-get update -q
	[ -z "$need" ] || install $need
	[ -z "$proxies" ] || install_proxies
fi

[ -d interop/testdata/node_modules/ws ] || (cd interop/testdata && npm ci --no-audit --no-fund)
