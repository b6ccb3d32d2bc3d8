// Package proxies holds tests of connections through nginx, HAProxy, Apache and
// Caddy, which run with the configurations that docs/proxies.md recommends, and of
// clients that connect through tinyproxy and squid.
package proxies
