// Package connfuzz fuzzes whole connections. A connection that receives arbitrary bytes
// must read what rawpeer.Decode decodes from them. A NetConn must transfer a stream
// unchanged in both directions.
package connfuzz
