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

	// coderVersion is the version whose API and behaviour count.
	coderVersion = "v1.8.15"
)

// program is a module whose tests are run with this library.
type program struct {
	name    string
	path    string // of the module; "" where it is testdata/name
	version string
	sum     string // as in go.sum
	dir     string // the part of the module that counts; "" is all of it

	// library is what it uses: coder and nhooyr are replaced by a module that
	// forwards. A program that uses gorilla has a patch.
	library string
	patch   string // in testdata/patches, for this library alone
	add     string // files of testdata that it gets, with each library

	drop []string // requirements that no package that is run needs, and that can't be had

	// setUp prepares the copy, if it is not nil.
	setUp func(t *testing.T, dir string)

	packages []string // whose tests are run
	run      string   // which of these; "" is all
	tags     string
	passes   int      // how many tests have to pass, without those that have subtests
	leaveOut []listed // not run: they fail with the other library, too, or now and then
	known    []listed // differences: they fail with this library alone
}

// listed is a test and why it is on a list.
type listed struct {
	test   string
	reason string
}

// copied returns a directory with a copy of the program that can be changed.
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

// download returns where the go command keeps a module, which must not be changed.
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

// copyTree copies a directory, without links and vendored packages. The copy can be
// written to.
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
	// Inside of a repository git apply would leave out what is not in it.
	cmd.Env = append(os.Environ(), "GIT_DIR="+filepath.Join(dir, "no-repository"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// useOurs makes the module in dir use this library where it uses another one.
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

// goCommand is the go command as it is run in a copy: it may add to go.mod and to
// go.sum, knows no workspace, and no code of the program takes it for a CI server.
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

// languageVersion is what the library's go.mod says after "go".
func languageVersion(t *testing.T) string {
	t.Helper()
	out, err := goCommand(t, root(t), "list", "-m", "-f", "{{.GoVersion}}").Output()
	if err != nil {
		t.Fatal(fmt.Errorf("go list: %w", err))
	}
	return strings.TrimSpace(string(out))
}
