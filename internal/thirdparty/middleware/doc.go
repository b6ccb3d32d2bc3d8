// Package middleware holds tests of websocket.Accept under the middleware of
// other modules: what it logs and counts as the status, and which of its headers
// arrive.
package middleware
