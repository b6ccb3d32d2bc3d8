package httpheader

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"regexp"
	"testing"
)

// The example of RFC 6455 section 1.3.
func TestAcceptKey(t *testing.T) {
	const key, want = "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
	if got := AcceptKey(key); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := AppendAcceptKey([]byte("accept: "), key); string(got) != "accept: "+want {
		t.Errorf("got %q, want %q appended", got, want)
	}
	if got := unenforcedSHA1([]byte(key)); got != sha1.Sum([]byte(key)) {
		t.Errorf("without enforcement the hash is % x", got)
	}
	dst := make([]byte, 0, 2*len(want))
	if n := testing.AllocsPerRun(100, func() { AppendAcceptKey(dst, key) }); n != 0 {
		t.Errorf("it allocates %v times", n)
	}
}

func TestIsKey(t *testing.T) {
	for key, want := range map[string]bool{
		"dGhlIHNhbXBsZSBub25jZQ==":   true,
		"AAAAAAAAAAAAAAAAAAAAAA==":   true,
		"//////////////////////==":   true, // the last bits are not zero, which decoders accept
		"":                           false,
		"dGhlIHNhbXBsZSBub25jZQ=":    false,
		"dGhlIHNhbXBsZSBub25jZQ":     false,
		"dGhlIHNhbXBsZSBub25jZQ===":  false,
		"dGhlIHNhbXBsZSBub25jZSE=":   false, // 17 bytes
		"dGhlIHNhbXBsZSBub25jZSEh":   false, // 18 bytes
		"dGhlIHNhbXBsZSBub25jZ_==":   false, // in the URL alphabet
		"dGhlIHNhbXBsZSBub25j\r\n==": false,
		" dGhlIHNhbXBsZSBub25jZQ=":   false,
	} {
		if got := IsKey(key); got != want {
			t.Errorf("%q: got %t, want %t", key, got, want)
		}
	}
}

// FuzzKey compares IsKey and AcceptKey with the definitions in RFC 6455.
func FuzzKey(f *testing.F) {
	f.Add("dGhlIHNhbXBsZSBub25jZQ==")
	f.Add("dGhlIHNhbXBsZSBub25jZSE=")
	f.Add("dGhlIHNhbXBsZSBub25j\r\n==")
	f.Add("")
	base64Key := regexp.MustCompile(`\A[A-Za-z0-9+/]{22}==\z`)
	f.Fuzz(func(t *testing.T, key string) {
		if got, want := IsKey(key), base64Key.MatchString(key); got != want {
			t.Errorf("%q: got %t, want %t", key, got, want)
		}
		sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		want := base64.StdEncoding.EncodeToString(sum[:])
		if got := AppendAcceptKey([]byte("x"), key); !bytes.Equal(got, []byte("x"+want)) {
			t.Errorf("%q: got %q, want %q behind x", key, got, want)
		}
	})
}
