#!/bin/sh
# Installs the programs that the tests need besides Go: Chromium, nginx, HAProxy, Apache,
# Caddy, tinyproxy, squid, Python's websockets, the ws package of Node.js, and qemu for
# tests of other processors. If it cannot, it prints what is missing.
set -eu
cd "$(dirname "$0")"
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" # where proxies are

need=
command -v chromium >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 || need="$need chromium"
/usr/bin/python3 -c 'import websockets' 2>/dev/null || need="$need python3-websockets"
command -v node >/dev/null 2>&1 || need="$need nodejs"
command -v npm >/dev/null 2>&1 || need="$need npm"
for processor in aarch64 i386 s390x x86_64; do
	command -v qemu-$processor >/dev/null 2>&1 || { need="$need qemu-user" && break; }
done

# The tests start proxies themselves. The packages' services would only occupy ports.
proxies=
for proxy in nginx haproxy apache2 caddy tinyproxy squid; do
	command -v $proxy >/dev/null 2>&1 || proxies="$proxies $proxy"
done

# apt runs apt-get with the required privileges. While another program holds one of apt's
# locks, it prints a message and tries again.
patience=${APT_PATIENCE:-600} # seconds
pause=${APT_PAUSE:-5}
apt() {
	waited=0
	until output=$($sudo env LC_ALL=C DEBIAN_FRONTEND=noninteractive apt-get -q "$@" 2>&1); do
		case $output in
		*"Could not get lock"*) ;;
		*) echo "$output" >&2 && return 1 ;;
		esac
		if [ "$waited" -ge "$patience" ]; then
			echo "$output" >&2
			echo "gave up after $waited seconds" >&2
			return 1
		fi
		echo "waiting for apt: $(echo "$output" | grep -m 1 'Could not get lock')" >&2
		sleep "$pause"
		waited=$((waited + pause))
	done
}

install() {
	echo "installing: $*" >&2
	apt install -y --no-install-recommends "$@"
}

# install_proxies leaves the services stopped. With systemd they are never started.
# Without it they may be, and apt-get fails if they cannot start. That does not matter,
# as long as the programs are installed.
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
	if ! command -v apt-get >/dev/null 2>&1; then
		echo "please install:$need$proxies" >&2
		exit 1
	fi
	sudo=
	if [ "$(id -u)" != 0 ]; then
		sudo=sudo
		echo "sudo apt-get is used to install:$need$proxies" >&2
	fi
	apt update
	[ -z "$need" ] || install $need
	[ -z "$proxies" ] || install_proxies
fi

[ -d interop/testdata/node_modules/ws ] || (cd interop/testdata && npm ci --no-audit --no-fund)
