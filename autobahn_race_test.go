//go:build race && !js

package websocket_test

// autobahnMessages is how many messages an exchange with compression has. Under
// the race detector compressing takes 35 times as long.
const autobahnMessages = 3
