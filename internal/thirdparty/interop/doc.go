// Package interop holds tests against other implementations of the protocol:
// gorilla/websocket, the ws package of Node.js, and Python's websockets, each
// as the server and as the client.
package interop
