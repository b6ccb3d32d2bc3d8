package websocket_test

import (
	"os"
	"syscall/js"
	"testing"

	websocket "github.com/bhojpur/api"
)

// The tests run in a page, in a worker and in Node, against the server of
// internal/thirdparty/browser, which tells by environment variables where it
// is and where the tests are.

// platform returns page, worker or node.
func platform() string { return os.Getenv("WEBSOCKET_TEST_IN") }

func inNode() bool { return platform() == "node" }

// startHost returns the server, which runs elsewhere.
func startHost(t testing.TB) host {
	t.Helper()
	url := os.Getenv("WEBSOCKET_TEST_SERVER")
	if url == "" {
		t.Fatal("WEBSOCKET_TEST_SERVER is not set; internal/thirdparty/browser runs these tests")
	}
	return host(url)
}

// firstForApplications is the first of the codes that a page may send, besides
// 1000.
const firstForApplications = 3000

// onWire returns the code that a page sends for the one that it closes with.
func onWire(code websocket.StatusCode) websocket.StatusCode {
	switch {
	case code == websocket.StatusNormalClosure, code == websocket.StatusNoStatusRcvd, code >= firstForApplications:
		return code
	}
	return code + firstForApplications
}

// abandoned is how a server sees CloseNow: a page can't close without a frame.
const abandoned = "1005 "

var (
	// keepsMark: a byte order mark stays at the beginning of a text. Node
	// drops it.
	keepsMark = !inNode()
	// noticesClose: a close frame counts before the peer ends the stream.
	// Node waits for that.
	noticesClose = !inNode()
)

func wantNothingHeld(t testing.TB, c *websocket.Conn) {
	t.Helper()
	if n := c.Listeners(); n != 0 {
		t.Errorf("%d listeners are left", n)
	}
}

// onlyHere is what only a browser does.
var onlyHere = []clientTest{
	{"browser/relative URL", testRelativeURL},
	{"browser/password in the URL", testPassword},
	{"browser/options of others are ignored", testIgnoredOptions},
	{"browser/no subprotocol is selected", testNoSubprotocol},
	{"browser/subprotocol offered twice", testSubprotocolTwice},
	{"browser/MaxUnread", testMaxUnread},
	{"browser/MaxUnread by default", testMaxUnreadDefault},
	{"browser/no MaxUnread", testMaxUnreadUnbounded},
	{"browser/MaxUnread and one message", testMaxUnreadOneMessage},
	{"browser/read limit raised on arrival", testLimitRaisedOnArrival},
	{"browser/who writes learns of the end", testEndAheadOfMessages},
	{"browser/write leaves the connection open", testBufferedAmount},
}

// callbacks are the functions that wasm_exec.js made, one for each js.Func.
type callbacks struct{ made js.Value }

// countCallbacks begins to collect them.
func countCallbacks(t *testing.T) callbacks {
	made := evaluate(`
		const make = Go.prototype._makeFuncWrapper, made = [];
		Go.prototype._makeFuncWrapper = function(id) {
			const f = make.call(this, id);
			made.push(f);
			return f;
		};
		made.stop = () => { Go.prototype._makeFuncWrapper = make; };
		return made;`)
	t.Cleanup(func() { made.Call("stop") })
	return callbacks{made}
}

// wantReleased wants that some js.Funcs have been made, and all released: to
// call one that was is an error on the console.
func (c callbacks) wantReleased(t *testing.T) {
	t.Helper()
	released := evaluate(`
		return (made) => {
			const error = console.error;
			let n = 0;
			console.error = () => { n++; };
			for (const f of made) {
				f({ code: 1000, reason: "", wasClean: true, data: "" });
			}
			console.error = error;
			return n;
		};`).Invoke(c.made).Int()
	made := c.made.Length()
	t.Logf("%d js.Funcs", made)
	if made == 0 || released != made {
		t.Errorf("%d of %d js.Funcs were released", released, made)
	}
}

// evaluate returns what the body of a JavaScript function returns.
func evaluate(body string) js.Value {
	return js.Global().Get("Function").New(body).Invoke()
}
