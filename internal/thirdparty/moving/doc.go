// Package moving contains only tests. They compile and run the code in docs/moving.md
// for programs that use gorilla/websocket, with gorilla/websocket as the peer.
package moving
