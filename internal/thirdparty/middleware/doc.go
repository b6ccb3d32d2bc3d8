// Package middleware holds tests of websocket.Accept under the middleware of other
// modules: which status the middleware logs and counts, and which of its headers
// arrive.
package middleware
