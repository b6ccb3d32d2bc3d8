package proxies

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// proxy is a reverse proxy.
type proxy struct {
	name     string
	program  string // the executable; "" is name
	language string // of its configuration on the page; "" is name

	args func(dir string) []string
	// main is the file that the program reads, if the page's configuration is only a
	// part of it.
	main string
	// place adapts the configuration to the addresses of the test.
	place func(a addresses) []edit

	ready    string                                      // logged when it serves
	obeys    func(ctx context.Context, dir string) error // waits until it handles signals, if that is later
	reload   syscall.Signal
	reloaded []string // logged when only the new worker serves connections
	gone     string   // logged when the old worker has ended

	impatient edit // sets the idle timeout to its minimum
	bounded   edit // sets the time limit of connections after a reload to its minimum
	down      int  // the status if the program cannot be reached
	wordless  bool // this response has no body
}

// configFile is the name of the file that a proxy reads.
const configFile = "proxy.conf"

// addresses are those of a proxy and of the program behind it, with the directory of
// the certificate.
type addresses struct {
	plain, secure string
	program       string
	dir           string
}

var nginx = proxy{
	name: "nginx",
	args: func(dir string) []string {
		return []string{"-e", "stderr", "-p", dir, "-c", filepath.Join(dir, configFile)}
	},
	main: `
daemon off;
pid nginx.pid;
worker_shutdown_timeout 1h;
error_log stderr notice;
events {
}
http {
    access_log off;
    client_body_temp_path client_body;
    proxy_temp_path       proxy;
    fastcgi_temp_path     fastcgi;
    uwsgi_temp_path       uwsgi;
    scgi_temp_path        scgi;
    CONFIGURATION
}
`,
	place: func(a addresses) []edit {
		return []edit{
			{"listen 80;", "listen " + a.plain + ";"},
			{"listen 443 ssl", "listen " + a.secure + " ssl"},
			{"server 127.0.0.1:9000;", "server " + a.program + ";"},
			{"/etc/nginx/example.com.pem", filepath.Join(a.dir, certFile)},
			{"/etc/nginx/example.com.key", filepath.Join(a.dir, keyFile)},
		}
	},
	ready:     "start worker process ",
	reload:    syscall.SIGHUP,
	reloaded:  []string{"start worker process ", "gracefully shutting down"},
	gone:      "exited with code 0",
	impatient: edit{"proxy_read_timeout 90s;", "proxy_read_timeout 2s;"},
	bounded:   edit{"worker_shutdown_timeout 1h;", "worker_shutdown_timeout 1s;"},
	down:      502,
}

var haproxy = proxy{
	name: "haproxy",
	args: func(dir string) []string {
		return []string{"-W", "-db", "-S", filepath.Join(dir, masterSocket), "-f", filepath.Join(dir, configFile)}
	},
	place: func(a addresses) []edit {
		return []edit{
			{"bind :80\n", "bind " + a.plain + "\n"},
			{"bind :443 ssl", "bind " + a.secure + " ssl"},
			{"server one 127.0.0.1:9000", "server one " + a.program},
			{"/etc/haproxy/example.com.pem", filepath.Join(a.dir, bothFile)},
		}
	},
	ready:     "Loading success",
	obeys:     awaitMaster,
	reload:    syscall.SIGUSR2,
	reloaded:  []string{"Loading success", "Proxy web stopped"},
	gone:      "exited with code 0",
	impatient: edit{"timeout tunnel       90s", "timeout tunnel       2s"},
	bounded:   edit{"hard-stop-after 1h", "hard-stop-after 1s"},
	down:      503,
}

// masterSocket is the socket on which HAProxy's first process responds to commands.
const masterSocket = "master"

// awaitMaster waits for a response of HAProxy's first process: it executes itself again
// when the workers are running, and loses signals before that.
func awaitMaster(ctx context.Context, dir string) error {
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		if askMaster(ctx, dir) == nil {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func askMaster(ctx context.Context, dir string) error {
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", filepath.Join(dir, masterSocket))
	if err != nil {
		return err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	if _, err := io.WriteString(c, "show proc\n"); err != nil {
		return err
	}
	_, err = c.Read(make([]byte, 1))
	return err
}

var proxies = []proxy{nginx, haproxy}

// start runs the proxy in front of a program, with the page's configuration and the
// edits.
func (px proxy) start(t *testing.T, pr *program, edits ...edit) *site {
	t.Helper()
	config := configuration(t, cmp.Or(px.language, px.name))
	if px.main != "" {
		config = strings.Replace(px.main, "CONFIGURATION", config, 1)
	}
	config = edited(t, config, edits...)
	const attempts = 3 // another program may take the free port
	for attempt := 1; ; attempt++ {
		a := addresses{plain: freeAddr(t), secure: freeAddr(t), program: pr.addr, dir: t.TempDir()}
		px.write(t, a, config)
		p := launch(t, cmp.Or(px.program, px.name), px.args(a.dir)...)
		err := p.await(testContext(t), 0, px.ready)
		if err == nil && px.obeys != nil {
			err = px.obeys(testContext(t), a.dir)
		}
		switch {
		case err == nil:
			return newSite(t, p, a, pr)
		case attempt < attempts && strings.Contains(p.logged(), "in use"):
			continue
		}
		t.Fatalf("%s: %v", px.name, err)
	}
}

func (px proxy) write(t *testing.T, a addresses, config string) {
	t.Helper()
	config = edited(t, config, px.place(a)...)
	if err := os.WriteFile(filepath.Join(a.dir, configFile), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	writeCertificate(t, a.dir)
}

// port returns the port of an address.
func port(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }

// freeAddr returns an unused address.
func freeAddr(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return fmt.Sprint(ln.Addr())
}
