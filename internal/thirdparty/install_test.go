// Package thirdparty contains only tests: this module has the tests and measurements
// that need other implementations. install.sh installs their programs.
package thirdparty

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// aptGet replaces apt-get. Its first calls fail, each with the message on a line of the
// file failures. Later calls install programs with the packages' names.
const aptGet = `#!/bin/sh
echo "$@" >>"$BIN/calls"
if read -r message <"$BIN/failures"; then
	sed -i 1d "$BIN/failures"
	echo "$message" >&2
	exit 100
fi
case $2 in
install) for package; do
	printf '#!/bin/sh\n' >"$BIN/$package"
	chmod +x "$BIN/$package"
done ;;
esac
`

// bare returns a PATH directory without the programs that install.sh looks for.
func bare(t *testing.T, uid int, failures ...string) (bin string) {
	t.Helper()
	bin = t.TempDir()
	for _, name := range []string{"sh", "env", "grep", "sed", "sleep", "dirname", "chmod"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	for name, script := range map[string]string{
		"apt-get":     aptGet,
		"id":          fmt.Sprintf("#!/bin/sh\necho %d\n", uid),
		"sudo":        "#!/bin/sh\necho sudo >>\"$BIN/calls\"\nexec \"$@\"\n",
		"service":     "#!/bin/sh\n",
		"systemctl":   "#!/bin/sh\n",
		"update-rc.d": "#!/bin/sh\n",
		"npm":         "#!/bin/sh\n",
	} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	lines := ""
	for _, failure := range failures {
		lines += failure + "\n"
	}
	if err := os.WriteFile(filepath.Join(bin, "failures"), []byte(lines), 0o644); err != nil {
		t.Fatal(err)
	}
	return bin
}

// install runs install.sh with this PATH.
func install(t *testing.T, bin string, env ...string) (output string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "./install.sh")
	cmd.Env = append([]string{"PATH=" + bin, "BIN=" + bin, "APT_PAUSE=0"}, env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	return out.String(), err
}

func wantCalls(t *testing.T, bin string, want ...string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(bin, "calls"))
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSpace(string(b)), "\n")
	for i, call := range want {
		if i >= len(got) || !strings.HasPrefix(got[i], call) {
			t.Fatalf("apt-get was called with\n%s\nwant\n%s", b, strings.Join(want, "\n"))
		}
	}
}

// While another program holds one of apt's locks, install.sh prints a message and
// waits.
func TestInstallAwaitsLocks(t *testing.T) {
	locks := []string{
		"E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)",
		"E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 8 (unattended-upgr)",
	}
	bin := bare(t, 0, locks...)
	out, err := install(t, bin)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, lock := range locks {
		if !strings.Contains(out, lock) {
			t.Errorf("the output does not name the lock of %q\n%s", lock, out)
		}
	}
	wantCalls(t, bin, "-q update", "-q update", "-q update", "-q install")
}

func TestInstallGivesUp(t *testing.T) {
	for name, failure := range map[string]string{
		"locked":  "E: Could not get lock /var/lib/dpkg/lock. It is held by process 7 (apt-get)",
		"offline": "E: Failed to fetch http://deb.example/ Temporary failure resolving 'deb.example'",
	} {
		t.Run(name, func(t *testing.T) {
			bin := bare(t, 0, failure)
			out, err := install(t, bin, "APT_PATIENCE=0")
			if err == nil {
				t.Fatalf("install.sh succeeded without apt-get\n%s", out)
			}
			if !strings.Contains(out, failure) {
				t.Errorf("the output does not say why:\n%s", out)
			}
			wantCalls(t, bin, "-q update")
		})
	}
}

// install.sh prints the packages before it uses sudo.
func TestInstallAnnouncesSudo(t *testing.T) {
	const failure = "E: no network"
	bin := bare(t, 1000, failure)
	out, _ := install(t, bin)
	announced, _, found := strings.Cut(out, failure)
	if !found || !strings.Contains(announced, "sudo") || !strings.Contains(announced, "chromium") {
		t.Errorf("the output before the first call of sudo is %q", announced)
	}
	wantCalls(t, bin, "sudo", "-q update")

	bin = bare(t, 0)
	if out, err := install(t, bin); err != nil || strings.Contains(out, "sudo") {
		t.Errorf("as root: %v\n%s", err, out)
	}
}
