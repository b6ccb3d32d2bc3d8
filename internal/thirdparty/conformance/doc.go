// Package conformance runs the conformance suite, internal/autobahn, against other
// implementations and against this one, as servers and as clients. The tables in
// docs/conformance.md have the results; a test compares them with its own:
//
//	go test ./conformance          # fails if the tables are not correct
//	go test ./conformance -update  # writes them
//
// The cases run over in-memory streams, each in a testing/synctest bubble. Waits take
// no time there, and no reply is late because the machine is busy, so the results are
// reproducible. All of the implementations work in bubbles: their goroutines and timers
// belong to a connection, and their package variables hold no channels. Over loopback
// TCP the verdicts are the same, but the run takes longer and needs -patience on a busy
// machine.
package conformance
