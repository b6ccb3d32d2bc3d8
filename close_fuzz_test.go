//go:build !js

package websocket

import (
	"testing"
	"unicode/utf8"

	"github.com/bhojpur/api/internal/utf8stream"
)

// FuzzClose compares what is made of a close frame's payload with what RFC 6455
// says, word for word, and with what is sent for the same code and reason.
func FuzzClose(f *testing.F) {
	for _, payload := range []string{"", "\x03", "\x03\xe8", "\x03\xe8bye", "\x03\xed", "\x03\xe8\xff", "\x0f\xa0caf\xc3", "\x13\x88", "\x03\xf6\xf0\x9f\xa6\x8a"} {
		f.Add([]byte(payload))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		if len(payload) > maxControl {
			return
		}
		want, code := wordForWord(payload)
		got, err := parseClose(payload)
		if code == 0 && (err != nil || got != want) {
			t.Fatalf("%q: got %+v, %v, want %+v", payload, got, err, want)
		}
		if v, ok := err.(*violation); code != 0 && (!ok || v.code != code) {
			t.Fatalf("%q: got %+v, %v, want a violation %v", payload, got, err, code)
		}
		if code == 0 {
			if again := appendClose([]byte("!"), got.Code, got.Reason); string(again) != "!"+string(payload) {
				t.Fatalf("%q is %+v, which is %q", payload, got, again[1:])
			}
			if _, _, err := sendable(got.Code, got.Reason); err != nil {
				t.Fatalf("%+v can't be sent: %v", got, err)
			}
		}
		checkClosePrefixes(t, payload, err)
	})
}

// wordForWord reads a close frame's payload by RFC 6455 sections 5.5.1, 7.4 and
// 8.1. code is that of the violation, or 0.
func wordForWord(p []byte) (ce CloseError, code StatusCode) {
	if len(p) == 0 {
		return CloseError{Code: 1005}, 0
	}
	if len(p) == 1 {
		return ce, 1002
	}
	ce.Code, ce.Reason = StatusCode(int(p[0])*256+int(p[1])), string(p[2:])
	switch {
	case ce.Code < 1000, ce.Code == 1004, ce.Code == 1005, ce.Code == 1006, 1015 <= ce.Code && ce.Code < 3000, ce.Code > 4999:
		return ce, 1002
	case !utf8.ValidString(ce.Reason):
		return ce, 1007
	}
	return ce, 0
}

// checkClosePrefixes wants what is wrong with a payload to be found at one byte,
// and to stay found.
func checkClosePrefixes(t *testing.T, payload []byte, err error) {
	t.Helper()
	found := false
	for n := range len(payload) + 1 {
		var reason utf8stream.Validator
		got := checkClosePrefix(payload[:n], &reason)
		if got != nil && got != err || found && got == nil {
			t.Fatalf("%q: got %v of the first %d bytes, %v of all", payload, got, n, err)
		}
		found = got != nil
	}
	if !found && err != nil && utf8.Valid(payload[min(2, len(payload)):]) && len(payload) != 1 {
		t.Fatalf("%q: %v is not found before the end", payload, err)
	}
}
