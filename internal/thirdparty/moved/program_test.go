package moved

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	ours    = "github.com/bhojpur/api"
	coder   = "github.com/coder/websocket"
	nhooyr  = "nhooyr.io/websocket"
	gorilla = "github.com/gorilla/websocket"

	// coderVersion is the reference version for API and behaviour.
	coderVersion = "v1.8.15"
)

// program is a module whose tests are run with this library.
type program struct {
	name    string
	path    string // of the module; "" if it is testdata/name
	version string
	sum     string // as in go.sum
	dir     string // the relevant part of the module; "" is all of it

	// library is the library that it uses. coder and nhooyr are replaced by a
	// forwarding module. A program that uses gorilla has a patch.
	library string
	patch   string // in testdata/patches, for this library only
	add     string // files of testdata to add, with either library

	drop []string // unavailable requirements that no tested package needs

	// setUp prepares the copy, if it is not nil.
	setUp func(t *testing.T, dir string)

	packages []string // whose tests are run
	run      string   // a pattern of their tests; "" is all
	tags     string
	passes   int      // number of tests that must pass, not counting those with subtests
	leaveOut []listed // not run: they also fail with the other library, or are flaky
	known    []listed // differences: they fail only with this library
}

// listed is a test with the reason for its entry in a list.
type listed struct {
	test   string
	reason string
}

// copied returns a directory with a writable copy of the program.
func (p *program) copied(t *testing.T) string {
	t.Helper()
	from := filepath.Join("testdata", p.name)
	if p.path != "" {
		from = filepath.Join(download(t, p.path, p.version, p.sum), p.dir)
	}
	dir := filepath.Join(t.TempDir(), p.name)
	copyTree(t, dir, from)
	if p.add != "" {
		copyTree(t, dir, filepath.Join("testdata", p.add))
	}
	return dir
}

// download returns the go command's directory of a module, which must not be changed.
func download(t *testing.T, path, version, sum string) string {
	t.Helper()
	out, err := goCommand(t, t.TempDir(), "mod", "download", "-json", path+"@"+version).Output()
	var module struct{ Dir, Sum, Error string }
	if jsonErr := json.Unmarshal(out, &module); jsonErr != nil {
		t.Fatalf("go mod download %s: %v, printed %q", path, errors.Join(err, jsonErr), out)
	}
	if err != nil || module.Error != "" {
		t.Fatalf("go mod download %s: %v %s", path, err, module.Error)
	}
	if module.Sum != sum {
		t.Fatalf("%s@%s has the sum %s, want %s", path, version, module.Sum, sum)
	}
	return module.Dir
}

// copyTree copies a directory, without links and vendored packages. The copy is
// writable.
func copyTree(t *testing.T, to, from string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		below, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, below)
		switch {
		case entry.IsDir() && entry.Name() == "vendor":
			return filepath.SkipDir
		case entry.IsDir():
			return os.MkdirAll(target, 0o755)
		case !entry.Type().IsRegular():
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, b, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// patch applies a file of testdata/patches to a copy.
func patch(t *testing.T, dir, name string) {
	t.Helper()
	file, err := filepath.Abs(filepath.Join("testdata", "patches", name))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "git", "apply", "--whitespace=nowarn", file)
	cmd.Dir = dir
	// Inside a repository, git apply ignores files outside it.
	cmd.Env = append(os.Environ(), "GIT_DIR="+filepath.Join(dir, "no-repository"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// useOurs makes the module in dir use this library instead of library.
func useOurs(t *testing.T, dir, library string) {
	t.Helper()
	edit(t, dir, "-replace="+ours+"="+root(t))
	if library == coder || library == nhooyr {
		thin := filepath.Join(t.TempDir(), "thin")
		writeForwarder(t, thin, library)
		edit(t, dir, "-replace="+library+"="+thin)
		return
	}
	edit(t, dir, "-require="+ours+"@v0.0.0")
}

// edit changes the go.mod in dir.
func edit(t *testing.T, dir string, args ...string) {
	t.Helper()
	mustRun(t, goCommand(t, dir, append([]string{"mod", "edit"}, args...)...))
}

// goCommand returns a go command to run in a copy: it may update go.mod and go.sum,
// ignores workspaces, and its environment does not look like that of a CI server.
func goCommand(t *testing.T, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); name != "CI" && name != "GOFLAGS" && name != "GOWORK" {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "GOFLAGS=-mod=mod -buildvcs=false", "GOWORK=off")
	return cmd
}

func mustRun(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
}

// root is the directory of the library.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// languageVersion returns the version in the go line of the library's go.mod.
func languageVersion(t *testing.T) string {
	t.Helper()
	out, err := goCommand(t, root(t), "list", "-m", "-f", "{{.GoVersion}}").Output()
	if err != nil {
		t.Fatal(fmt.Errorf("go list: %w", err))
	}
	return strings.TrimSpace(string(out))
}
