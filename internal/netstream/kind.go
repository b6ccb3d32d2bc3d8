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
	// trusted: deadlines do what package net says. *net.TCPConn, *net.UnixConn, and
	// *tls.Conn over them.
	trusted kind = 1 << iota
	// resumer: a write can go on after an interrupt.
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
// methods, but may have a Read of its own.
func isSocket(c any) bool {
	switch c.(type) {
	case *net.TCPConn, *net.UnixConn:
		return true
	}
	return false
}

// kindOf returns the kind of rwc, with conn below it. Only the types themselves
// count: one that embeds another has its methods, but may do something else in
// those of its own.
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

// passesOn reports whether rwc is conn, or the body that package net/http makes of
// it for a response that switches protocols. Such a body is a struct that embeds
// the connection as an io.ReadWriteCloser, beside a reader of what was read from it
// already.
func passesOn(rwc io.ReadWriteCloser, conn net.Conn) bool {
	if conn == nil {
		return false
	}
	if c, ok := rwc.(net.Conn); ok && same(c, conn) {
		return true
	}
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
// were read from the connection already: net/http keeps a reader in it until they have
// been read.
func hasReadAhead(body io.ReadWriteCloser) bool {
	reader := reflect.ValueOf(body).Elem().FieldByName("br")
	return !reader.IsValid() || reader.Kind() != reflect.Pointer || !reader.IsNil()
}

// same reports whether a and b are the same, which need not be comparable.
func same(a, b net.Conn) bool {
	t := reflect.TypeOf(a)
	if t != reflect.TypeOf(b) {
		return false
	}
	return t.Kind() == reflect.Pointer && a == b || t.Comparable() && reflect.ValueOf(a).Comparable() && a == b
}
