//go:build !race && !js

package websocket_test

// autobahnMessages is how many messages an exchange with compression has.
const autobahnMessages = 100
