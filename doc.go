// Package websocket is an implementation of the WebSocket protocol (RFC 6455)
// with compression (RFC 7692), for servers, for clients, and for programs that
// run in a browser.
//
// # Serve
//
// [Accept] turns a request that an [net/http.Handler] has received into a
// [Conn]:
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
// Pages of other sites are refused unless [AcceptOptions] names them. The
// connection is the handler's from then on: the server's timeouts do not apply
// to it, and Shutdown does not wait for it.
//
// # Dial
//
// [Dial] makes a request with any [net/http.Client] and returns a Conn that
// has the same methods. Proxies, TLS, cookies and the like are that client's.
//
//	c, _, err := websocket.Dial(ctx, "wss://example.com/chat", nil)
//
// # Read and write messages
//
// [Conn.Read] and [Conn.Write] are for messages that are held in memory as a
// whole, [Conn.Reader] and [Conn.Writer] for those that are not. [Conn.AppendRead]
// reads a whole message into memory of the program's own. The packages
// wsjson and wspb encode them. A message may be 32 KiB long unless ReadLimit of
// the options, or [Conn.SetReadLimit], says otherwise.
//
// Every call takes a context. One that ends while a call waits between
// messages costs nothing: the connection goes on. One that ends inside a
// message ends the connection. Looking at a context costs next to nothing
// until a call really waits.
//
// All methods may be called at once. Writes go out whole, in the order in
// which they came.
//
// [NewPreparedMessage] makes a message once that is written to many connections,
// by [Conn.WritePrepared]: what a hub, or a chat, does all day.
//
// # Keep reading
//
// Pings are answered, and the peer's close noticed, only while somebody reads.
// A program that only writes calls [Conn.CloseRead]. [Conn.Ping] finds out
// whether the peer is still there.
//
// # Close
//
// [Conn.Close] completes the close handshake, in at most 5 seconds, and
// [Conn.CloseNow] closes without it. Whoever has a connection calls one of
// them; "defer c.CloseNow()" does no harm after Close. [Conn.CloseContext]
// has another bound. A call that is under way when the peer or the network ends
// the connection returns the cause. The error of each later call, and of each
// call that Close or CloseNow ends, is [net.ErrClosed] for [errors.Is] as well.
// [CloseStatus] returns the code of the peer's close frame.
// [IsNormalClose] tells an end as it should be from others. [Conn.Done] and
// [Conn.Err] tell of the end without a read.
//
// # Compress
//
// Set CompressionMode in the options of both sides. Context takeover makes
// small, similar messages much smaller, for 16 to 40 KiB of memory a
// connection. [Conn.WriteUncompressed] and
// [Conn.WriterUncompressed] leave a message out, such as one with a secret.
//
// # Tunnel
//
// [NetConn] makes a [net.Conn] of a connection, for protocols that want a
// stream of bytes.
//
// # In a browser
//
// With GOOS=js the same API works on the WebSocket of a page, of a Web Worker and
// of Node.js. What differs is what a page can't do:
//
//   - Accept returns an error that is [errors.ErrUnsupported].
//   - A URL may be relative: to the page, or to the worker's script.
//   - Of [DialOptions] only Subprotocols, ReadLimit and MaxUnread are used. A server that
//     selects none of the subprotocols makes Dial fail.
//   - A page is not told why Dial failed, and of the server's response nothing
//     but what was agreed on.
//   - The browser answers pings, and notices the end of the connection, whether
//     somebody reads or not. Ping returns nil while the connection is open.
//   - A message is in memory as a whole before Reader returns, and a Writer
//     sends it as a whole in Close. Its Flush sends nothing.
//   - The peer of a slow reader does not have to wait. Up to 16 MiB of messages
//     do, or what MaxUnread says; one more fails the connection.
//   - A page may close with the codes 1000 and 3000 to 4999 only: Close sends
//     another one as the code plus 3000, such as 4011 for
//     StatusInternalError.
//   - CloseNow sends a close frame, for a page can't close without one.
//   - A violation of the protocol by the peer looks as if it were gone: the error
//     is [io.EOF].
//
// An event handler made with [syscall/js.FuncOf] must not call what can wait.
//
// A program that makes HTTP requests of its own, besides, is twice as large. How
// to build, serve and run one is in
// https://github.com/bhojpur/api/blob/main/docs/browser.md.
package websocket
