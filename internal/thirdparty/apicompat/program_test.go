package apicompat

import (
	"go/types"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/bhojpur/api/internal/behaviour"
	"golang.org/x/tools/go/packages"
)

// everyMethod is a program that must call each method of Conn.
const everyMethod = "./testdata/everymethod"

// TestEveryMethod fails if the program does not call a method of Conn.
func TestEveryMethod(t *testing.T) {
	t.Parallel()
	pkgs, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedSyntax | packages.NeedImports,
	}, everyMethod)
	if err != nil {
		t.Fatal(err)
	}
	program := pkgs[0]
	for _, err := range program.Errors {
		t.Fatal(err)
	}
	used := make(map[string]bool)
	for _, obj := range program.TypesInfo.Uses {
		if f, ok := obj.(*types.Func); ok {
			used[f.FullName()] = true
		}
	}
	conn := program.Imports[ours].Types.Scope().Lookup("Conn").Type()
	for sel := range types.NewMethodSet(types.NewPointer(conn)).Methods() {
		if f := sel.Obj().(*types.Func); f.Exported() && !used[f.FullName()] {
			t.Errorf("the program does not call %s", f.FullName())
		}
	}
}

// TestProgram builds the program for this machine and for a browser, and expects the same
// output from both.
func TestProgram(t *testing.T) {
	t.Parallel()
	b := behaviour.NewServer()
	s := httptest.NewServer(b)
	t.Cleanup(func() {
		b.Close()
		s.Close()
	})
	url := strings.Replace(s.URL, "http", "ws", 1) + "/echo?protocol=echo"
	want := "echo true true\nMessageText whole\nMessageText is appended\ntrue 1\nMessageText prepared\nMessageText prepared\nMessageText uncompressed\nMessageBinary in parts\nMessageText and uncompressed\nStatusNormalClosure\n"
	goroot := strings.TrimSpace(string(run(t, browser, "env", "GOROOT")))
	for _, tt := range []struct {
		name string
		on   platform
		with []string // the command that runs it
	}{
		{name: "native", on: platform{runtime.GOOS, runtime.GOARCH}},
		{name: "js", on: browser, with: []string{filepath.Join(goroot, "lib", "wasm", "go_js_wasm_exec")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			binary := filepath.Join(t.TempDir(), "program")
			build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, everyMethod)
			build.Env = append(os.Environ(), "GOOS="+tt.on.goos, "GOARCH="+tt.on.goarch, "CGO_ENABLED=0")
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v: %v\n%s", build, err, out)
			}
			line := append(tt.with, binary, url)
			cmd := exec.CommandContext(t.Context(), line[0], line[1:]...)
			cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "NODE_OPTIONS=--experimental-websocket --no-warnings"}
			out, err := cmd.CombinedOutput()
			if err != nil || string(out) != want {
				t.Errorf("%v: %v, printed %q, want %q", cmd, err, out, want)
			}
		})
	}
}
