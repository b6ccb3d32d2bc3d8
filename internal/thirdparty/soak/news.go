package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"

	websocket "github.com/bhojpur/api"
)

// news is a sequence of messages that the server sends to all listeners. Slow listeners
// miss some.
type news struct {
	corpus  *corpus
	every   time.Duration
	current atomic.Pointer[issue]
}

// issue is one message of the news.
type issue struct {
	number  int
	message *websocket.PreparedMessage
	over    chan struct{} // closed when there is a newer one
}

func newNews(set settings) *news {
	n := &news{
		corpus: newCorpus(set.seed),
		every:  time.Duration(float64(time.Second) / set.rate),
	}
	n.next(0)
	return n
}

// next replaces the current issue.
func (n *news) next(number int) {
	message, err := websocket.NewPreparedMessage(websocket.MessageText, issueText(n.corpus, number))
	if err != nil {
		panic(err) // the corpus is valid text
	}
	old := n.current.Swap(&issue{number: number, message: message, over: make(chan struct{})})
	if old != nil {
		close(old.over)
	}
}

// publish runs without end.
func (n *news) publish() {
	for number := 1; ; number++ {
		time.Sleep(n.every)
		n.next(number)
	}
}

// issueText returns the text of an issue, which the clients verify.
func issueText(c *corpus, number int) []byte {
	const most = 32 << 10
	random := rand.New(rand.NewPCG(uint64(number), 0))
	text := fmt.Appendf(nil, "%d: ", number)
	return append(text, c.piece(random, websocket.MessageText, most)...)
}

// checkIssue returns the number of an issue, or an error if its text is wrong.
func checkIssue(c *corpus, p []byte) (number int, err error) {
	if _, err := fmt.Sscanf(string(p[:min(len(p), shortest)]), "%d: ", &number); err != nil {
		return 0, err
	}
	if !bytes.Equal(p, issueText(c, number)) {
		return 0, errBroken
	}
	return number, nil
}

// handleNews sends each issue to a client, which must send nothing.
func (s *server) handleNews(w http.ResponseWriter, r *http.Request) {
	s.handle(w, r, r.PathValue("mode"), func(c *websocket.Conn) error {
		ended := c.CloseRead(context.Background())
		for {
			i := s.news.current.Load()
			ctx, cancel := s.patiently()
			err := c.WritePrepared(ctx, i.message)
			cancel()
			if err != nil {
				return err
			}
			select {
			case <-i.over:
			case <-ended.Done():
				// Returns how the connection ended.
				return c.WritePrepared(context.Background(), i.message)
			}
		}
	})
}
