// Package bufpool keeps the byte buffers that connections and codecs use briefly:
// blocks of fixed sizes ([Block]), and growing buffers for messages that are encoded or
// decoded as a whole ([Buffer]).
//
// A buffer has one owner at a time. Get and GetBuffer make the caller the owner; the
// owner returns the buffer exactly once, with Free, and does not use it or its bytes
// afterwards. Buffers are not cleared: they contain bytes of an earlier owner, which a
// new owner must not expose.
//
// With the race detector, package poolcheck checks the pools. A buffer that is freed
// twice or written to after Free panics, and the bytes of a freed one are overwritten.
package bufpool
