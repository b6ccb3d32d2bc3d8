// Package dialing holds tests of websocket.Dial with different http.Clients: behind
// proxies, with their own certificates and cookies, or with a transport that is not
// package net/http's.
package dialing
