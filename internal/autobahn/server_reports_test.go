package autobahn

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bhojpur/api/internal/rawpeer"
)

// TestReportsWait has a client request the reports, and the status of a case, while
// that case is running: both wait for its result, longer than a handshake may take.
func TestReportsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := rawpeer.Listen(nil)
		resulted := make(chan struct{})
		var reports atomic.Int32
		server := &Server{
			Cases:     []*Case{caseOf(t, "7.1.1")},
			OnResult:  func(*Result) { <-resulted },
			OnReports: func(string) { reports.Add(1) },
		}
		serving := rawpeer.GoErr(t, func() error { return server.Serve(l) })
		request := func(path string) *rawpeer.Peer {
			conn, err := l.Dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			p := rawpeer.NewPeer(t, conn, rawpeer.Client)
			p.SendRequest(&rawpeer.ClientOptions{RequestLine: "GET " + path + " HTTP/1.1"})
			return p
		}
		run := request("/runCase?case=1&agent=a")
		run.ReadResponse(nil)
		run.SendClose(1000, "")

		status, update := request("/getCaseStatus?case=1&agent=a"), request("/updateReports?agent=a")
		other := request("/updateReports?agent=b")
		other.ReadResponse(nil)
		other.WantClose(1000)
		time.Sleep(2 * openTimeout)
		synctest.Wait()
		if n := reports.Load(); n != 1 {
			t.Errorf("%d reports were written, want that of the other agent", n)
		}
		close(resulted)
		status.ReadResponse(nil)
		if text := status.WantFrame(); !strings.Contains(string(text.Payload), "behavior") {
			t.Errorf("the status is %v", text)
		}
		update.ReadResponse(nil)
		update.WantClose(1000)
		if n := reports.Load(); n != 2 {
			t.Errorf("%d reports were written, want both", n)
		}
		server.Close()
		l.Close()
		if err := serving.Err(); err == nil {
			t.Error("serving ended without an error")
		}
	})
}
