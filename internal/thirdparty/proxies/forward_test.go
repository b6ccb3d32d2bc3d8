package proxies

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bhojpur/api"
)

// forwardProxy is a program through which clients connect, by CONNECT.
type forwardProxy struct {
	name    string
	schemes []string // of the proxy's URL
	args    func(config string) []string
	config  func(f forwarding) string
	ready   string // logged when it serves
}

// forwarding is the configuration of a forward proxy.
type forwarding struct {
	plain, secure string // its addresses without and with TLS
	dir           string
	port          string // allowed for CONNECT
	password      bool   // required
}

const forwardUser, forwardPassword = "user", "secret"

// passwordFile contains forwardPassword in the form of crypt(3) with MD5.
const (
	passwordFile = "passwords"
	passwordLine = forwardUser + ":$1$saltsalt$9xy1btjgzLYfb7hivXtC//\n"
)

var tinyproxy = forwardProxy{
	name:    "tinyproxy",
	schemes: []string{"http"},
	args:    func(config string) []string { return []string{"-d", "-c", config} },
	config: func(f forwarding) string {
		host, port, _ := net.SplitHostPort(f.plain)
		config := fmt.Sprintf("Listen %s\nPort %s\nTimeout 60\nLogLevel Info\nMaxClients 100\nConnectPort %s\n", host, port, f.port)
		if f.password {
			config += fmt.Sprintf("BasicAuth %s %s\n", forwardUser, forwardPassword)
		}
		return config
	},
	ready: "Starting main loop",
}

var squid = forwardProxy{
	name:    "squid",
	schemes: []string{"http", "https"},
	args:    func(config string) []string { return []string{"-N", "-f", config} },
	config: func(f forwarding) string {
		config := fmt.Sprintf(`
http_port %s
https_port %s tls-cert=%s
visible_hostname proxy.test
pid_filename none
access_log none
cache_log stdio:/dev/stderr
cache deny all
coredump_dir %s
pinger_enable off
shutdown_lifetime 0 seconds
acl ports port %s
acl CONNECT method CONNECT
http_access deny !CONNECT
http_access deny !ports
`, f.plain, f.secure, filepath.Join(f.dir, bothFile), f.dir, f.port)
		if f.password {
			return fmt.Sprintf("auth_param basic program /usr/lib/squid/basic_ncsa_auth %s\nauth_param basic realm test\nacl known proxy_auth REQUIRED\n%s"+
				"http_access allow known\nhttp_access deny all\n", filepath.Join(f.dir, passwordFile), config)
		}
		return config + "http_access allow all\n"
	},
	ready: "Accepting HTTPS Socket connections",
}

// start runs the proxy and returns its addresses.
func (fp forwardProxy) start(t *testing.T, port string, password bool) forwarding {
	t.Helper()
	const attempts = 3 // another program may take the free port
	for attempt := 1; ; attempt++ {
		f := forwarding{plain: freeAddr(t), secure: freeAddr(t), dir: publicDir(t), port: port, password: password}
		id, err := newIdentity()
		if err != nil {
			t.Fatal(err)
		}
		config := filepath.Join(f.dir, configFile)
		for name, text := range map[string]string{
			configFile:   fp.config(f),
			passwordFile: passwordLine,
			bothFile:     string(id.certPEM) + string(id.keyPEM),
		} {
			if err := os.WriteFile(filepath.Join(f.dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		p := launch(t, fp.name, fp.args(config)...)
		err = p.await(testContext(t), 0, fp.ready)
		if err == nil {
			err = f.awaitListening(testContext(t), fp.schemes)
		}
		if err == nil {
			return f
		}
		if attempt == attempts || !strings.Contains(p.logged(), "in use") {
			t.Fatalf("%s: %v; it logged:\n%s", fp.name, err, p.logged())
		}
	}
}

// addr returns the proxy's address for a URL scheme.
func (f forwarding) addr(scheme string) string {
	if scheme == "https" {
		return f.secure
	}
	return f.plain
}

// awaitListening waits until the proxy accepts connections: squid logs this a moment
// too early.
func (f forwarding) awaitListening(ctx context.Context, schemes []string) error {
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for _, scheme := range schemes {
		for {
			var d net.Dialer
			c, err := d.DialContext(ctx, "tcp", f.addr(scheme))
			if err == nil {
				c.Close()
				break
			}
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return err
			}
		}
	}
	return nil
}

// publicDir returns a directory that squid can read after it has changed its user.
func publicDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "forward")
	if err == nil {
		t.Cleanup(func() { os.RemoveAll(dir) })
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// target is a server that is dialed through a forward proxy.
type target struct {
	*program
	scheme, addr string
}

func newTargets(t *testing.T) []target {
	t.Helper()
	pr := newProgram(t, nil)
	id, err := newIdentity()
	if err != nil {
		t.Fatal(err)
	}
	cert, err := tls.X509KeyPair(id.certPEM, id.keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	secure := httptest.NewUnstartedServer(pr)
	secure.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	secure.Config.ErrorLog = pr.srv.Config.ErrorLog
	secure.StartTLS()
	t.Cleanup(secure.Close)
	return []target{{pr, "ws", pr.addr}, {pr, "wss", secure.Listener.Addr().String()}}
}

// through dials the target through a proxy.
func (to target) through(t *testing.T, proxy *url.URL) (*pair, error) {
	t.Helper()
	transport := &http.Transport{
		Proxy: http.ProxyURL(proxy),
		// The name in the certificate, of the proxy and of the target.
		TLSClientConfig: &tls.Config{RootCAs: roots(t), ServerName: host},
	}
	t.Cleanup(transport.CloseIdleConnections)
	id := to.newID()
	c, resp, err := websocket.Dial(testContext(t), to.scheme+"://"+to.addr+"/?id="+id, &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: transport},
	})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { c.CloseNow() })
	a, err := to.await(testContext(t), id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.conn.CloseNow() })
	return &pair{client: c, server: a.conn, request: a.request, response: resp}, nil
}

// TestForward dials through forward proxies that allow only CONNECT.
func TestForward(t *testing.T) {
	t.Parallel()
	right, wrong := url.UserPassword(forwardUser, forwardPassword), url.UserPassword(forwardUser, "guess")
	for _, fp := range []forwardProxy{tinyproxy, squid} {
		for i, scheme := range schemes {
			t.Run(fp.name+"/"+scheme, func(t *testing.T) {
				t.Parallel()
				to := newTargets(t)[i]
				_, port, _ := net.SplitHostPort(to.addr)
				for _, test := range []struct {
					name     string
					port     string // allowed
					password bool
					user     *url.Userinfo
					refused  string // the status in the error
				}{
					{"open", port, false, nil, ""},
					{"password", port, true, right, ""},
					{"no password", port, true, nil, "407"},
					{"wrong password", port, true, wrong, "40"}, // the status of tinyproxy is 401
					{"another port", "9", false, nil, "403"},
				} {
					t.Run(test.name, func(t *testing.T) {
						f := fp.start(t, test.port, test.password)
						for _, proxyScheme := range fp.schemes {
							p, err := to.through(t, &url.URL{Scheme: proxyScheme, Host: f.addr(proxyScheme), User: test.user})
							switch {
							case test.refused != "":
								if err == nil || !strings.Contains(err.Error(), `"`+test.refused) {
									t.Errorf("%s: got %v, want an error with status %s", proxyScheme, err, test.refused)
								}
							case err != nil:
								t.Errorf("%s: %v", proxyScheme, err)
							default:
								testPass(t, p)
								testEnd(t, p)
							}
						}
					})
				}
			})
		}
	}
}
