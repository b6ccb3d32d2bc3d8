package netstream

import (
	"crypto/tls"
	"io"
	"net"
	"reflect"
)

// kind is a set of properties of the type of a stream.
type kind uint8

const (
	// trusted: deadlines follow the rules of package net. *net.TCPConn, *net.UnixConn,
	// and *tls.Conn over them.
	trusted kind = 1 << iota
	// resumer: a write can continue after an interrupt.
	resumer
	// secure: a *tls.Conn.
	secure
	// interrupter: rwc is an Interrupter.
	interrupter
	// plain: the type contains no other stream.
	plain
)

func (k kind) is(one kind) bool { return k&one != 0 }

// isSocket reports whether c is a socket itself. A type that embeds one has its
// methods, but may override Read.
func isSocket(c any) bool {
	switch c.(type) {
	case *net.TCPConn, *net.UnixConn:
		return true
	}
	return false
}

// kindOf returns the kind of rwc, with conn below it. It checks for the exact types:
// one that embeds another has its methods, but may override some.
func kindOf(rwc io.ReadWriteCloser, conn net.Conn) kind {
	if _, ok := rwc.(Interrupter); ok {
		return interrupter
	}
	var k kind
	var outer any = rwc
	if passesOn(rwc, conn) {
		outer = conn
	}
	if isSocket(outer) {
		return trusted | resumer
	}
	switch c := outer.(type) {
	case *tls.Conn:
		k |= secure
		if isSocket(c.NetConn()) {
			k |= trusted
		}
	case Resumer:
		if c.ResumesWrites() {
			k |= resumer
		}
	}
	if !k.is(secure) && isPlain(reflect.TypeOf(outer)) {
		k |= plain
	}
	return k
}

// passesOn reports whether rwc is conn, or the body that package net/http creates from
// it for a response that switches protocols. Such a body is a struct that embeds the
// connection as an io.ReadWriteCloser, with a reader of the bytes that were read ahead.
func passesOn(rwc io.ReadWriteCloser, conn net.Conn) bool {
	if conn == nil {
		return false
	}
	if c, ok := rwc.(net.Conn); ok && same(c, conn) {
		return true
	}
	return isBodyOf(rwc, conn)
}

// isBodyOf is passesOn for the body of net/http.
func isBodyOf(rwc io.ReadWriteCloser, conn net.Conn) bool {
	t := reflect.TypeOf(rwc)
	if t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct || t.Elem().PkgPath() != "net/http" {
		return false
	}
	field, ok := t.Elem().FieldByName("ReadWriteCloser")
	if !ok || !field.IsExported() || !field.Anonymous {
		return false
	}
	c, ok := reflect.ValueOf(rwc).Elem().FieldByIndex(field.Index).Interface().(net.Conn)
	return ok && same(c, conn)
}

// hasReadAhead reports whether body, for which passesOn is true, may have bytes that
// were read ahead: net/http keeps a reader in it until they have been read.
func hasReadAhead(body io.ReadWriteCloser) bool {
	reader := reflect.ValueOf(body).Elem().FieldByName("br")
	return !reader.IsValid() || reader.Kind() != reflect.Pointer || !reader.IsNil()
}

// same reports whether a and b are equal. They need not be comparable.
func same(a, b net.Conn) bool {
	t := reflect.TypeOf(a)
	if t != reflect.TypeOf(b) {
		return false
	}
	return t.Kind() == reflect.Pointer && a == b || t.Comparable() && reflect.ValueOf(a).Comparable() && a == b
}
