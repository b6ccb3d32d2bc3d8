// Package moving has no code. Its tests compile and run the lines that docs/moving.md
// has for programs that use gorilla/websocket, with gorilla/websocket as the peer.
package moving
