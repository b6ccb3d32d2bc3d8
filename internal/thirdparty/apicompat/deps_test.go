package apicompat

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	compress = "github.com/klauspost/compress"
	protobuf = "google.golang.org/protobuf"
)

// root is the directory of the module under test.
var root = filepath.Join("..", "..", "..")

// TestDeps fails if a program that imports the root package would link more than the
// standard library and one compressor.
func TestDeps(t *testing.T) {
	for _, tt := range []struct {
		name string
		on   platform
		tags string
	}{
		{name: "linux", on: linux},
		{name: "js", on: browser},
		{name: "purego", on: linux, tags: "purego"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, pkg := range []string{".", "./wsjson"} {
				deps := listed(t, tt.on, "-deps", "-tags="+tt.tags, pkg)
				if len(deps) == 0 {
					t.Errorf("%s: no packages listed", pkg)
				}
				for _, dep := range deps {
					if !within(ours, dep.ImportPath) && !within(compress, dep.ImportPath) {
						t.Errorf("%s depends on %s", pkg, dep.ImportPath)
					}
				}
			}
		})
	}
}

// TestProtobuf fails if a program that imports a package other than wspb would link
// protocol buffers. Tests and internal packages may use them.
func TestProtobuf(t *testing.T) {
	t.Parallel()
	usesProtobuf := func(path string) bool { return within(protobuf, path) }
	for _, on := range []platform{linux, browser} {
		var users []string
		for _, pkg := range listed(t, on, "./...") {
			if !within(ours+"/internal", pkg.ImportPath) && slices.ContainsFunc(pkg.Deps, usesProtobuf) {
				users = append(users, pkg.ImportPath)
			}
		}
		if !slices.Equal(users, []string{ours + "/wspb"}) {
			t.Errorf("%s: %v depend on protocol buffers, want only wspb", on.goos, users)
		}
	}
}

// TestRequirements fails if the root's go.mod requires other modules.
func TestRequirements(t *testing.T) {
	t.Parallel()
	var mod struct {
		Require []struct{ Path string }
		Replace []struct{ Old struct{ Path string } }
	}
	if err := json.Unmarshal(run(t, linux, "mod", "edit", "-json"), &mod); err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, require := range mod.Require {
		paths = append(paths, require.Path)
	}
	if want := []string{compress, protobuf}; !slices.Equal(paths, want) {
		t.Errorf("go.mod requires %v, want %v", paths, want)
	}
	if len(mod.Replace) > 0 {
		t.Errorf("go.mod replaces %v; programs that require the module would not", mod.Replace)
	}
}

// within reports whether path is top or below it.
func within(top, path string) bool {
	rest, ok := strings.CutPrefix(path, top)
	return ok && (rest == "" || rest[0] == '/')
}

type listedPackage struct {
	ImportPath string
	Standard   bool
	Deps       []string // direct and indirect
}

// listed returns the packages listed by go list, without the standard library's.
func listed(t *testing.T, on platform, args ...string) []listedPackage {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(run(t, on, append([]string{"list", "-json=ImportPath,Standard,Deps"}, args...)...)))
	var pkgs []listedPackage
	for {
		var pkg listedPackage
		switch err := dec.Decode(&pkg); err {
		case nil:
		case io.EOF:
			return pkgs
		default:
			t.Fatal(err)
		}
		if !pkg.Standard {
			pkgs = append(pkgs, pkg)
		}
	}
}

// run runs the go command in the root module and returns its output.
func run(t *testing.T, on platform, args ...string) []byte {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = root
	cmd.Stderr = &stderr
	cmd.Env = append(os.Environ(), "GOOS="+on.goos, "GOARCH="+on.goarch, "CGO_ENABLED=0", "GOWORK=off")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return out
}
