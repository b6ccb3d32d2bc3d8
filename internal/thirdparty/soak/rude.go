package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/rawpeer"
)

const plainEcho, deflateEcho = echoPath + "plain", echoPath + "takeover"

// stalls stops in the middle of a frame and continues in time.
func stalls(v *visit) error {
	return v.rudely(plainEcho, "", func(r *raw) error {
		p := r.words()
		b := r.masked(text(p))
		at := 1 + r.random.IntN(len(b)-1)
		if err := r.write(b[:at]); err != nil {
			return err
		}
		wait(r.ctx, r.set.patience()/4)
		if err := r.write(b[at:]); err != nil {
			return err
		}
		r.say(len(p))
		return r.wantEcho(p)
	})
}

// stallsForGood stops in the middle of a frame: the server must give up.
func stallsForGood(v *visit) error {
	return v.rudely(plainEcho, "", func(r *raw) error {
		b := r.masked(text(r.words()))
		if err := r.write(b[:1+r.random.IntN(len(b)-1)]); err != nil {
			return err
		}
		return r.wantEnd()
	})
}

// neverReads sends without reading the echoes until the server gives up.
func neverReads(v *visit) error {
	r, err := v.connect(narrow)
	if err != nil {
		return err
	}
	defer r.gone()
	if err := r.shake(plainEcho, ""); err != nil {
		return err
	}
	if err := r.chat(); err != nil {
		return err
	}
	for err == nil {
		p := r.corpus.piece(r.random, websocket.MessageText, longest)
		err = r.send(text(p))
		r.say(len(p))
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		// In rare cases the buffers of both kernels are full, and neither accepts even
		// the segment that ends the connection.
		v.endless.Add(1)
		return nil
	case isGone(err):
		return nil
	}
	return err
}

// ignoresClose does not reply to the server's close frame. The server must close the
// connection all the same.
func ignoresClose(v *visit) error {
	code, _ := v.anyCode()
	r, err := v.shake(fmt.Sprint(closePath, int(code)), "")
	if err != nil {
		return err
	}
	defer r.gone()
	if err := r.send(text(r.words())); err != nil {
		return err
	}
	want := int(code)
	if code == websocket.StatusNoStatusRcvd {
		want = rawpeer.NoCode
	}
	if err := r.wantClose(want); err != nil {
		return err
	}
	return r.wantEnd()
}

// resets resets the connection: between messages, inside one, or before the echo.
func resets(v *visit) error {
	return v.rudely(plainEcho, "", func(r *raw) error {
		b := r.masked(text(r.corpus.piece(r.random, websocket.MessageText, longest)))
		var err error
		switch r.random.IntN(3) {
		case 0:
			err = r.write(b[:r.random.IntN(len(b))])
		case 1:
			err = r.write(b)
		}
		r.reset()
		return err
	})
}

// halfCloses sends a message and closes its direction: it still gets the echo, and then
// the end of the server's direction.
func halfCloses(v *visit) error {
	return v.rudely(plainEcho, "", func(r *raw) error {
		p := r.words()
		if err := r.send(text(p)); err != nil {
			return err
		}
		r.say(len(p))
		if err := r.conn.CloseWrite(); err != nil {
			return err
		}
		if err := r.wantEcho(p); err != nil {
			return err
		}
		return r.wantEnd()
	})
}

// vanishes connects, and leaves before the end of the handshake.
func vanishes(v *visit) error {
	r, err := v.usually()
	if err != nil {
		return err
	}
	defer r.gone()
	request := []byte(handshakeRequest(plainEcho, ""))
	switch r.random.IntN(4) {
	case 0: // sends nothing
		return r.wantEnd()
	case 1: // stops in the middle
		if err := r.write(request[:1+r.random.IntN(len(request)-1)]); err != nil {
			return err
		}
		return r.wantEnd()
	case 2: // leaves in the middle
		err = r.write(request[:1+r.random.IntN(len(request)-1)])
	case 3: // does not wait for the response
		err = r.write(request)
		r.reset()
	}
	return err
}

// violates violates the protocol.
func violates(v *visit) error {
	return v.rudely(plainEcho, "", func(r *raw) error {
		return r.provokes(violations[r.random.IntN(len(violations))])
	})
}

// garbles sends invalid text.
func garbles(v *visit) error {
	return v.rudely(plainEcho, "", func(r *raw) error {
		return r.provokes(garbled[r.random.IntN(len(garbled))])
	})
}

// bombs sends a small message that inflates to a large one, or does not inflate.
func bombs(v *visit) error {
	return v.rudely(deflateEcho, offer, func(r *raw) error {
		bomb := text(r.corpus.bomb).WithRSV(rawpeer.RSV1)
		switch r.random.IntN(3) {
		case 0:
			bomb.Payload = bytes.Repeat([]byte{0xff}, shortTalk)
			return r.provokes(provocation{"not deflate", frames(bomb), 1007})
		case 1:
			half := len(bomb.Payload) / 2
			rest := rawpeer.Continuation(string(bomb.Payload[half:]))
			bomb.Payload = bomb.Payload[:half]
			return r.provokes(provocation{"a bomb in two", frames(bomb.More(), rest), 1009})
		}
		return r.provokes(provocation{"a bomb", frames(bomb), 1009})
	})
}

// exceeds sends, or declares, more than the server's read limit.
func exceeds(v *visit) error {
	return v.rudely(plainEcho, "", func(r *raw) error {
		return r.provokes(oversized[r.random.IntN(len(oversized))])
	})
}

// provokes sends input that fails the connection, expects the close code for it, and then
// behaves in one of several ways.
func (r *raw) provokes(p provocation) error {
	b := p.bytes(r)
	if err := r.write(b); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	r.say(len(b))
	if err := r.wantClose(p.code); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	switch r.random.IntN(4) {
	case 0: // leaves
		return nil
	case 1: // replies
		if err := r.send(rawpeer.Close(p.code, "")); err != nil && !isGone(err) {
			return err
		}
	case 2: // continues to send
		junk := r.masked(rawpeer.Binary(r.corpus.binary[:longest]))
		var err error
		for range 16 {
			if err = r.write(junk); err != nil {
				break
			}
		}
		if err != nil && !isGone(err) {
			return err
		}
	}
	return r.wantEnd()
}

// floods sends far more pings than are answered, and expects the last pong and an echo.
func floods(v *visit) error {
	return v.rudely(plainEcho, "", func(r *raw) error {
		const pings = 1000
		p := r.words()
		var b []byte
		for i := range pings {
			b = append(b, r.masked(rawpeer.Ping(fmt.Sprintf("%0125d", i)))...)
		}
		b = append(b, r.masked(text(p), rawpeer.Ping("last"))...)
		if err := r.write(b); err != nil {
			return err
		}
		r.say(len(b))
		var echo []byte
		for echoed, ponged := false, false; !echoed || !ponged; {
			f, err := r.next()
			if err != nil {
				return err
			}
			switch f.Opcode {
			case rawpeer.OpText, rawpeer.OpContinuation:
				echo = append(echo, f.Payload...)
				echoed = f.Fin
			case rawpeer.OpPong:
				ponged = string(f.Payload) == "last"
			default:
				return fmt.Errorf("%w: %v", errBroken, f)
			}
		}
		r.hear(len(echo))
		if !bytes.Equal(echo, p) {
			return errBroken
		}
		return r.closes()
	})
}

// closes performs the close handshake.
func (r *raw) closes() error {
	code, reason := r.anyCode()
	frame, want := rawpeer.Close(int(code), reason), int(code)
	if code == websocket.StatusNoStatusRcvd {
		frame, want = rawpeer.Close(rawpeer.NoCode, ""), rawpeer.NoCode
	}
	if err := r.send(frame); err != nil {
		return err
	}
	if err := r.wantClose(want); err != nil {
		return err
	}
	return r.wantEnd()
}

// plainRequests are not handshakes, or invalid ones, with the status of the response.
var plainRequests = []struct {
	old, new string // in a valid handshake
	status   int
}{
	{"Upgrade: websocket\r\nConnection: Upgrade\r\n", "", http.StatusUpgradeRequired},
	{"GET ", "POST ", http.StatusMethodNotAllowed},
	{"Version: 13", "Version: 8", http.StatusUpgradeRequired},
	{rawpeer.DefaultKey, "c2hvcnQ=", http.StatusBadRequest},
	{"Host: localhost", "Host: localhost\r\nOrigin: https://elsewhere.example", http.StatusForbidden},
	{plainEcho, "/", http.StatusNotFound},
}

// requests sends requests that the server rejects.
func requests(v *visit) error {
	r, err := v.usually()
	if err != nil {
		return err
	}
	defer r.gone()
	for _, i := range r.random.Perm(len(plainRequests))[:2] {
		q := plainRequests[i]
		request := strings.Replace(handshakeRequest(plainEcho, ""), q.old, q.new, 1)
		if err := r.write([]byte(request)); err != nil {
			return err
		}
		r.say(len(request))
		answer, err := http.ReadResponse(r.in, nil)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			return err
		}
		r.hear(len(body))
		if answer.StatusCode != q.status {
			return fmt.Errorf("%s for %q: want %d", answer.Status, q.new, q.status)
		}
		if answer.Close {
			return r.wantEnd()
		}
		if !r.rest() {
			break
		}
	}
	return nil
}
