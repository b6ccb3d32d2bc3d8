// Package connfuzz fuzzes whole connections. A connection that is sent any bytes
// has to read what rawpeer.Decode finds in them, and what a pair of connections
// exchanges has to arrive as it was sent.
package connfuzz
