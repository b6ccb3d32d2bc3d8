// Package websocket implements the WebSocket protocol (RFC 6455) with compression
// (RFC 7692), for servers, for clients, and for programs that run in a browser.
//
// # Serve
//
// [Accept] upgrades a request of a [net/http.Handler] to a [Conn]:
//
//	func handler(w http.ResponseWriter, r *http.Request) {
//		c, err := websocket.Accept(w, r, nil)
//		if err != nil {
//			return // the request has been answered
//		}
//		defer c.CloseNow()
//		...
//		c.Close(websocket.StatusNormalClosure, "")
//	}
//
// Pages of other sites are refused unless [AcceptOptions] allows them. The connection
// is hijacked: the server's timeouts do not apply to it, and Shutdown does not wait
// for it.
//
// # Dial
//
// [Dial] makes a request with any [net/http.Client] and returns a Conn with the same
// methods. The client determines proxies, TLS, cookies and redirects.
//
//	c, _, err := websocket.Dial(ctx, "wss://example.com/chat", nil)
//
// # Read and write messages
//
// [Conn.Read] and [Conn.Write] transfer whole messages, [Conn.Reader] and [Conn.Writer]
// stream them. [Conn.AppendRead] reads a whole message into a slice of the caller. The
// packages wsjson and wspb encode and decode messages. A message may have up to 32 KiB
// unless the option ReadLimit or [Conn.SetReadLimit] sets another limit.
//
// Calls that wait for the peer take a context. If it ends while a call waits between
// messages, the connection stays open. If it ends inside a message, the connection
// fails. A context costs little unless a call blocks.
//
// All methods are safe for concurrent use. Concurrent writes are sent one after the
// other, in their order.
//
// # Send to many
//
// [NewPreparedMessage] encodes a message once for any number of connections. [Conn.Post]
// sends it without waiting for a peer that does not read, and returns [ErrBacklog] if too
// much is queued. A [Group] is a set of connections, such as those of a room.
// [docs/broadcast.md] has a publish/subscribe server.
//
// # Keep connections alive
//
// Pings are answered, and the peer's close is noticed, only during a read. A program
// that only writes calls [Conn.CloseRead].
//
// With PingInterval in the options a silent peer is pinged, and the connection fails with
// [ErrPingTimeout] if nothing arrives. With WriteTimeout it fails with [ErrWriteTimeout] if
// the peer does not read. Neither needs a goroutine. [Conn.Ping] pings once, and
// [Conn.RoundTrip] returns how long a ping took. [docs/keepalive.md] has a server, and the
// limits.
//
// # End in time
//
// [net/http.Server.Shutdown] does not close the connections, nor wait for them.
// [Group.Close] closes all connections of a group at the same time, within the time of a
// context. [docs/shutdown.md] has a server that ends on SIGTERM.
//
// # Close
//
// [Conn.Close] completes the close handshake in at most 5 seconds, [Conn.CloseContext]
// in the time of a context, and [Conn.CloseNow] closes without it. Every connection must
// be closed by one of them; a deferred CloseNow has no effect after Close.
//
// A call that is under way when the peer or the network ends the connection returns the
// cause. The error of each later call, and of each call that Close or CloseNow ends, is
// [net.ErrClosed] for [errors.Is] as well. [CloseStatus] returns the code of the peer's
// close frame, and [IsNormalClose] reports whether the peer closed normally. [Conn.Done]
// and [Conn.Err] report the end without a read.
//
// # Compress
//
// Set CompressionMode in the options of both sides. Context takeover makes small,
// similar messages much smaller, for 16 to 40 KiB of memory a connection.
// [Conn.WriteUncompressed] and [Conn.WriterUncompressed] send a message uncompressed,
// such as one with a secret.
//
// # Tunnel
//
// [NetConn] returns a [net.Conn] over a connection, for protocols that need a byte
// stream.
//
// # In a browser
//
// With GOOS=js the same API uses the WebSocket of a page, of a Web Worker or of
// Node.js. The differences:
//
//   - Accept returns an error that is [errors.ErrUnsupported].
//   - A URL may be relative to the page or to the worker's script.
//   - Of [DialOptions] only Subprotocols, ReadLimit, MaxBacklog and MaxUnread are used. A
//     server that selects none of the subprotocols makes Dial fail.
//   - The browser does not report why Dial failed. Of the server's response it reports
//     only the subprotocol and the extensions.
//   - The browser answers pings and notices the end of the connection without a read.
//     Ping returns nil while the connection is open.
//   - Reader returns after the whole message has arrived. A Writer sends the whole
//     message in Close, and its Flush sends nothing.
//   - A slow reader does not slow down the peer. Up to 16 MiB of messages, or MaxUnread,
//     wait to be read; another message fails the connection.
//   - A page may send only the close codes 1000 and 3000 to 4999. Close sends any other
//     code plus 3000, such as 4011 for StatusInternalError.
//   - CloseNow sends a close frame, since a page can't close without one.
//   - A violation by the peer is not reported: the error is [io.EOF].
//
// An event handler made with [syscall/js.FuncOf] must not call methods that can block.
//
// A program that also makes HTTP requests is twice as large. docs/browser.md in the
// repository, https://github.com/bhojpur/api/blob/main/docs/browser.md, describes how to
// build, serve and run a program.
//
// [docs/broadcast.md]: https://github.com/bhojpur/api/blob/main/docs/broadcast.md
// [docs/keepalive.md]: https://github.com/bhojpur/api/blob/main/docs/keepalive.md
// [docs/shutdown.md]: https://github.com/bhojpur/api/blob/main/docs/shutdown.md
package websocket
