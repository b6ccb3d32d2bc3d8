// Package faults tests each operation of a connection on a stream that splits,
// stalls, breaks or resets, at each byte: in memory, over TCP and over TLS.
package faults
