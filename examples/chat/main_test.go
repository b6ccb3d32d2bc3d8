package main

import (
	"os"
	"testing"

	"github.com/bhojpur/api/examples/internal/chat/chattest"
	"github.com/bhojpur/api/internal/wstest"
)

func TestMain(m *testing.M) { os.Exit(wstest.LeakCheck(m)) }

func TestProgram(t *testing.T) { chattest.Program(t, run) }
