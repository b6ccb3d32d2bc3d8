// Package bufpool keeps the byte buffers that connections and codecs use for a
// short time: blocks of fixed sizes ([Block]), and growing buffers for messages
// that are encoded or decoded as a whole ([Buffer]).
//
// A buffer has one owner at a time. Get and GetBuffer make the caller the owner;
// the owner returns the buffer exactly once, with Free, and does not use it or its
// bytes after that. Buffers are not cleared: a new owner finds bytes of an earlier
// one in them and must not let them out.
//
// With the race detector, package poolcheck watches the pools. A buffer that is
// freed twice or written to after Free panics, and the bytes of a freed one are
// overwritten.
package bufpool
