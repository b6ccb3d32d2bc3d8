// Package conformance runs the conformance suite, internal/autobahn, against
// other implementations and against this one, as servers and as clients. The
// tables in docs/conformance.md say what came out; a test compares them with what
// it measures:
//
//	go test ./conformance          # fails where the tables are not true
//	go test ./conformance -update  # writes them
//
// The cases run over streams in memory, each in a testing/synctest bubble of its
// own. There waits cost nothing and no answer is late because the machine is busy,
// so that the same comes out each time. All of the implementations work in
// bubbles: their goroutines and timers belong to a connection, and their package
// variables hold no channels. Over loopback TCP the same verdicts come out, but
// take longer and need patience on a busy machine.
package conformance
