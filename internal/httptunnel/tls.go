package httptunnel

import (
	"context"
	"crypto/tls"
	"net"
	"net/http/httptrace"
)

// startTLS performs the TLS handshake with an https proxy. It closes conn on an error.
func (d *dialer) startTLS(ctx context.Context, conn net.Conn) (net.Conn, error) {
	config := d.base.TLSClientConfig.Clone()
	if config == nil {
		config = new(tls.Config)
	}
	if config.ServerName == "" {
		config.ServerName = d.proxy.Hostname()
	}
	config.NextProtos = nil // CONNECT is sent as HTTP/1.1
	return d.shake(ctx, tls.Client(conn, config))
}

// shakenIfTLS returns a function that receives the result of the transport's own TLS
// dial function, and completes the handshake if that function did not.
func (d *dialer) shakenIfTLS(ctx context.Context) func(net.Conn, error) (net.Conn, error) {
	return func(conn net.Conn, err error) (net.Conn, error) {
		if err != nil {
			return nil, err
		}
		if conn == nil {
			return nil, errNoConn
		}
		if conn, ok := conn.(*tls.Conn); ok {
			return d.shake(ctx, conn)
		}
		return conn, nil
	}
}

// shake completes the handshake. It closes conn on an error.
func (d *dialer) shake(ctx context.Context, conn *tls.Conn) (net.Conn, error) {
	if timeout := d.base.TLSHandshakeTimeout; timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	trace := httptrace.ContextClientTrace(ctx)
	if trace != nil && trace.TLSHandshakeStart != nil {
		trace.TLSHandshakeStart()
	}
	err := conn.HandshakeContext(ctx)
	if trace != nil && trace.TLSHandshakeDone != nil {
		trace.TLSHandshakeDone(conn.ConnectionState(), err)
	}
	if err != nil {
		conn.NetConn().Close()
		return nil, err
	}
	return conn, nil
}
