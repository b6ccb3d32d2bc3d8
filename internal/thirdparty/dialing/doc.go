// Package dialing holds tests of websocket.Dial with what an http.Client can
// be: behind proxies, with certificates and cookies of its own, or with a
// transport that is not package net/http's.
package dialing
