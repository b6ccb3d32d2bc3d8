package proxies

import (
	"net/http"
	"path/filepath"
	"testing"

	"github.com/bhojpur/api"
)

// For the proxies below, the tests check what the page says about handshakes, messages
// and ends of connections, but not about timeouts and reloads.

var apache = proxy{
	name:     "apache",
	program:  "apache2",
	language: "apache",
	args: func(dir string) []string {
		return []string{"-D", "FOREGROUND", "-d", dir, "-f", filepath.Join(dir, configFile), "-E", "/dev/stderr"}
	},
	main: `
DefaultRuntimeDir .
PidFile apache.pid
ErrorLog /dev/stderr
LogLevel notice
User nobody
Group nogroup
LoadModule mpm_event_module  /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule headers_module    /usr/lib/apache2/modules/mod_headers.so
LoadModule proxy_module      /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
LoadModule ssl_module        /usr/lib/apache2/modules/mod_ssl.so
Listen PLAIN
Listen SECURE
CONFIGURATION
`,
	place: func(a addresses) []edit {
		return []edit{
			{"Listen PLAIN", "Listen " + a.plain},
			{"Listen SECURE", "Listen " + a.secure},
			{"<VirtualHost *:80>", "<VirtualHost " + a.plain + ">"},
			{"<VirtualHost *:443>", "<VirtualHost " + a.secure + ">"},
			{"Define program 127.0.0.1:9000", "Define program " + a.program},
			{"/etc/apache2/example.com.pem", filepath.Join(a.dir, certFile)},
			{"/etc/apache2/example.com.key", filepath.Join(a.dir, keyFile)},
		}
	},
	ready: "resuming normal operations",
	down:  503,
}

var caddy = proxy{
	name:     "caddy",
	program:  "caddy",
	language: "caddyfile",
	args: func(dir string) []string {
		return []string{"run", "--adapter", "caddyfile", "--config", filepath.Join(dir, configFile)}
	},
	// On the page Caddy obtains a certificate; here it gets one.
	main: `
{
    admin off
    auto_https off
    storage file_system DIRECTORY
}
CONFIGURATION
http://example.com:PLAIN {
    bind 127.0.0.1
    import site
}
https://example.com:SECURE {
    bind 127.0.0.1
    tls CERTIFICATE KEY
    import site
}
`,
	place: func(a addresses) []edit {
		return []edit{
			{"DIRECTORY", a.dir},
			{"PLAIN", port(a.plain)},
			{"SECURE", port(a.secure)},
			{"CERTIFICATE", filepath.Join(a.dir, certFile)},
			{"KEY", filepath.Join(a.dir, keyFile)},
			{"example.com {", "(site) {"},
			{"reverse_proxy 127.0.0.1:9000", "reverse_proxy " + a.program},
		}
	},
	ready:    "serving initial configuration",
	down:     502,
	wordless: true,
}

// others pass handshakes on with the configurations of the page.
var others = []proxy{apache, caddy}

// TestOthersOrigin connects with a Host header that has a port.
func TestOthersOrigin(t *testing.T) {
	t.Parallel()
	forEach(t, others, nil, nil, func(t *testing.T, s *site, scheme string) {
		url := scheme + "://" + host
		accepts(t, s, url, origin(scheme, host))
		s.refusedWith(t, url, origin(scheme, "evil.example"), http.StatusForbidden)
		if scheme == "wss" {
			accepts(t, s, url+otherPort, origin(scheme, host+otherPort))
			s.refusedWith(t, url+otherPort, origin(scheme, host), http.StatusForbidden)
		}
	})
}

// Without ProxyPreserveHost, Apache sends the program's own address as Host.
func TestApacheWithoutHost(t *testing.T) {
	t.Parallel()
	hostless := edit{"ProxyPreserveHost On", "ProxyPreserveHost Off"}
	for _, test := range []struct {
		name string
		opts *websocket.AcceptOptions
		ok   bool
	}{
		{"same origin", nil, false},
		{"patterns", &websocket.AcceptOptions{OriginPatterns: []string{host}}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := apache.start(t, newProgram(t, test.opts), hostless)
			if test.ok {
				accepts(t, s, "wss://"+host, origin("wss", host))
			} else {
				s.refusedWith(t, "wss://"+host, origin("wss", host), http.StatusForbidden)
			}
		})
	}
}

// Without upgrade=websocket, Apache passes an ordinary request on.
func TestApacheWithoutUpgrade(t *testing.T) {
	t.Parallel()
	s := apache.start(t, newProgram(t, nil),
		edit{"Proto http\n    ProxyPass / http://${program}/ upgrade=websocket", "Proto http\n    ProxyPass / http://${program}/"},
		edit{"Proto https\n    ProxyPass / http://${program}/ upgrade=websocket", "Proto https\n    ProxyPass / http://${program}/"})
	for _, scheme := range schemes {
		testNoUpgrade(t, s, scheme)
	}
}
