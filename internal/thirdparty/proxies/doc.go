// Package proxies holds tests of connections through nginx and HAProxy, which
// run with the configurations that docs/proxies.md recommends.
package proxies
