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
// [NewPreparedMessage] encodes a message once, for [Conn.WritePrepared] to many
// connections, as a hub or a chat needs.
//
// # Send to many, and close all
//
// [Conn.Post] sends a prepared message without waiting for a peer that does not
// keep up, and returns [ErrBacklog] where too much waits. A [Group] is a set of
// connections, such as a room, or all of a server, which ends them with
// [Group.Close].
//
// # Keep reading
//
// Pings are answered, and the peer's close noticed, only while somebody reads.
// A program that only writes calls [Conn.CloseRead].
//
// # Notice a peer that is gone
//
// With PingInterval in the options a peer that is silent is pinged, and the
// connection fails with [ErrPingTimeout] if nothing comes back. WriteTimeout is
// for a peer that talks and reads nothing. Neither takes a goroutine.
// [Conn.Ping] asks once, and [Conn.RoundTrip] tells how long a ping took.
//
// # Close
//
// [Conn.Close] completes the close handshake in at most 5 seconds, [Conn.CloseContext]
// in the time of a context, and [Conn.CloseNow] closes without it. Every connection must
// be closed by one of them; a deferred CloseNow has no effect after Close. A call that is under way when the peer or the network ends
// the connection returns the cause. The error of each later call, and of each
// call that Close or CloseNow ends, is [net.ErrClosed] for [errors.Is] as well.
// [CloseStatus] returns the code of the peer's close frame.
// [IsNormalClose] reports whether the peer closed normally. [Conn.Done] and [Conn.Err]
// report the end without a read.
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
//   - Of [DialOptions] only Subprotocols, ReadLimit and MaxUnread are used. A server that
//     selects none of the subprotocols makes Dial fail.
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
package websocket
