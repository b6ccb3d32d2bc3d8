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

// proxy is a program that stands in front of ours.
type proxy struct {
	name     string
	program  string // what runs; "" is name
	language string // of its configuration on the page; "" is name

	args func(dir string) []string
	// main is the file that the program reads, where the page's configuration is
	// but a part of that.
	main string
	// place lets the configuration run where the test wants it.
	place func(a addresses) []edit

	ready    string                                      // is logged when it serves
	obeys    func(ctx context.Context, dir string) error // waits until it obeys signals, if that is later
	reload   syscall.Signal
	reloaded []string // is logged when the new worker alone serves what comes
	gone     string   // is logged when the old one has ended

	impatient edit // makes the time shortest after which idle connections end
	bounded   edit // makes the time shortest that connections have after a reload
	down      int  // the status where the program can't be reached
	wordless  bool // and that answer has no body
}

// configFile is the name of the file that a proxy reads.
const configFile = "proxy.conf"

// addresses are where a proxy listens, and where it finds the program and the
// certificate.
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

// masterSocket is where HAProxy's first process answers questions.
const masterSocket = "master"

// awaitMaster waits for an answer of HAProxy's first process: it executes itself
// once more when the workers are there, and signals before that are lost.
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

// start runs the proxy in front of a program, with the page's configuration and
// changes of the test's.
func (px proxy) start(t *testing.T, pr *program, edits ...edit) *site {
	t.Helper()
	config := configuration(t, cmp.Or(px.language, px.name))
	if px.main != "" {
		config = strings.Replace(px.main, "CONFIGURATION", config, 1)
	}
	config = edited(t, config, edits...)
	const attempts = 3 // a port that was free may be taken a moment later
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

// freeAddr returns an address that nobody listens at.
func freeAddr(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return fmt.Sprint(ln.Addr())
}
