// Structure checks bounds on the structure of this project's code: the length of
// functions, the number of functions that call each other in a ring, and how much of a
// package an exported method reaches.
//
//	go run ./structure
//
// The bounds are in bounds.txt. Run it in a directory of this module.
package main

import (
	"bufio"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

//go:embed bounds.txt
var boundsText string

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	bounds, err := parseBounds(boundsText)
	if err != nil {
		return err
	}
	root, err := projectRoot()
	if err != nil {
		return err
	}
	packages := map[string]*code{}
	var all []error
	for _, b := range bounds {
		c := packages[b.dir]
		if c == nil {
			if c, err = load(filepath.Join(root, b.dir)); err != nil {
				return err
			}
			packages[b.dir] = c
		}
		n, which, err := c.figure(b.figure)
		if err != nil {
			return err
		}
		fmt.Printf("%-20s %-22s %4d of %4d  %s\n", b.dir, b.figure, n, b.n, which)
		if n > b.n && !b.least || n < b.n && b.least {
			all = append(all, fmt.Errorf("%s: %s is %d, the bound is %d: %s", b.dir, b.figure, n, b.n, which))
		}
	}
	return errors.Join(all...)
}

// bound is a line of bounds.txt.
type bound struct {
	dir, figure string
	least       bool // n is the smallest number that is allowed, not the largest
	n           int
}

// parseBounds parses lines of a directory, a figure, "most" or "least", and a number.
// Comments begin with #.
func parseBounds(text string) (bounds []bound, err error) {
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		line, _, _ := strings.Cut(lines.Text(), "#")
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		if len(f) != 4 || f[2] != "most" && f[2] != "least" {
			return nil, fmt.Errorf("bounds.txt: %q is not a directory, a figure, most or least, and a number", line)
		}
		n, err := strconv.Atoi(f[3])
		if err != nil {
			return nil, fmt.Errorf("bounds.txt: %w", err)
		}
		bounds = append(bounds, bound{f[0], f[1], f[2] == "least", n})
	}
	if len(bounds) == 0 {
		return nil, errors.New("bounds.txt: no bounds")
	}
	return bounds, nil
}

// projectRoot returns the directory of the tested module.
func projectRoot() (string, error) {
	dir, err := os.Getwd()
	for err == nil && filepath.Base(dir) != "internal" {
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("not in a directory of the project's tests")
		}
		dir = parent
	}
	return filepath.Dir(dir), err
}
