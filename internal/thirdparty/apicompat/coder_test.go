package apicompat

import (
	"errors"
	"fmt"
	"go/types"
	"os"
	"slices"
	"sync"
	"testing"

	"golang.org/x/tools/go/packages"

	// Keeps it in go.mod; the packages are loaded by their paths.
	_ "github.com/bhojpur/api/wspb"
	_ "github.com/coder/websocket/wsjson"
)

const (
	ours   = "github.com/bhojpur/api"
	coders = "github.com/coder/websocket"
)

var (
	// subpackages exist in both modules.
	subpackages = []string{"", "/wsjson"}
	// ourSubpackages exist only in this module.
	ourSubpackages = []string{"/wspb"}
)

type platform struct{ goos, goarch string }

var (
	linux   = platform{"linux", "amd64"}
	browser = platform{"js", "wasm"}
)

// TestCoder fails if a program written for coder/websocket would not compile with this
// package.
func TestCoder(t *testing.T) {
	for _, tt := range []struct {
		platform
		anyValue []string
	}{
		{platform: linux},
		// In a browser, where the compression mode has no effect, coder/websocket has
		// other values for the modes.
		{platform: browser, anyValue: []string{"CompressionDisabled", "CompressionNoContextTakeover"}},
	} {
		t.Run(tt.goos, func(t *testing.T) {
			t.Parallel()
			pkgs := packagesOn(t, tt.platform)
			rules := Rules{WantModule: coders, GotModule: ours, AnyValue: tt.anyValue}
			for _, sub := range subpackages {
				for _, diff := range rules.Missing(pkgs[coders+sub], pkgs[ours+sub]) {
					t.Errorf("%s%s: %s", ours, sub, diff)
				}
			}
		})
	}
}

// TestPlatforms fails if this package's API in a browser differs from that on other
// platforms, including the values of constants.
func TestPlatforms(t *testing.T) {
	t.Parallel()
	native, js := packagesOn(t, linux), packagesOn(t, browser)
	rules := Rules{WantModule: ours, GotModule: ours}
	for _, sub := range slices.Concat(subpackages, ourSubpackages) {
		for _, diff := range rules.Missing(native[ours+sub], js[ours+sub]) {
			t.Errorf("%s%s: js: %s", ours, sub, diff)
		}
		for _, diff := range rules.Missing(js[ours+sub], native[ours+sub]) {
			t.Errorf("%s%s: linux: %s", ours, sub, diff)
		}
	}
}

// Packages are loaded once per platform.
var (
	loadLinux   = sync.OnceValues(func() (pkgsByPath, error) { return load(linux) })
	loadBrowser = sync.OnceValues(func() (pkgsByPath, error) { return load(browser) })
)

type pkgsByPath map[string]*types.Package

// packagesOn returns the packages of both modules on a platform.
func packagesOn(t *testing.T, on platform) pkgsByPath {
	t.Helper()
	loaded := loadLinux
	if on == browser {
		loaded = loadBrowser
	}
	pkgs, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	return pkgs
}

// load type-checks both modules' packages for one platform.
func load(on platform) (pkgsByPath, error) {
	var paths []string
	for _, sub := range subpackages {
		paths = append(paths, ours+sub, coders+sub)
	}
	for _, sub := range ourSubpackages {
		paths = append(paths, ours+sub)
	}
	pkgs, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedTypes,
		Env:  append(os.Environ(), "GOOS="+on.goos, "GOARCH="+on.goarch, "CGO_ENABLED=0"),
	}, paths...)
	if err != nil {
		return nil, err
	}
	byPath := make(pkgsByPath)
	var errs []error
	for _, pkg := range pkgs {
		for _, err := range pkg.Errors {
			errs = append(errs, err)
		}
		byPath[pkg.PkgPath] = pkg.Types
	}
	for _, path := range paths {
		if byPath[path] == nil {
			errs = append(errs, fmt.Errorf("%s was not loaded", path))
		}
	}
	return byPath, errors.Join(errs...)
}
