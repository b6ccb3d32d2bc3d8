package child

import (
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
)

const roleVariable = "CHILD_TEST_ROLE"

// TestMain lets the test binary also run as the child.
func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) == "" {
		os.Exit(m.Run())
	}
	Obey(os.Stdin, os.Stdout, func(line string) (string, error) {
		switch line {
		case "exit":
			os.Exit(3)
		case "fail":
			return "lost", errors.New("one\ntwo")
		}
		return line + " " + os.Getenv(roleVariable), nil
	})
}

func start(t *testing.T) *Process {
	t.Helper()
	p, err := Start(t.Context(), []string{roleVariable + "=parrot"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAsk(t *testing.T) {
	p := start(t)
	for range 2 {
		if got, err := p.Ask("hello"); err != nil || got != "hello parrot" {
			t.Errorf("got %q, %v", got, err)
		}
		if got, err := p.Ask("fail"); err == nil {
			t.Errorf("got %q and no error", got)
		}
	}
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
}

// A child that ends is an error of the question that it does not answer.
func TestAskEndedProcess(t *testing.T) {
	p := start(t)
	if _, err := p.Ask("exit"); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
	if err := p.Stop(); err == nil {
		t.Error("no error for a process that failed")
	}
}

// A child whose parent has ended does not complete an answer.
func TestObeyEndsWithItsInput(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	begun := make(chan struct{})
	r, w := io.Pipe()
	done := make(chan error)
	go func() {
		done <- Obey(r, io.Discard, func(string) (string, error) {
			close(begun)
			<-release
			return "", nil
		})
	}()
	fmt.Fprintln(w, "await")
	<-begun
	w.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
