package main

import (
	"os"
	"testing"

	"github.com/bhojpur/api/examples/internal/chat/chattest"
	"github.com/bhojpur/api/internal/rawpeer"
)

func TestMain(m *testing.M) { os.Exit(rawpeer.LeakCheck(m)) }

func TestProgram(t *testing.T) { chattest.Program(t, run) }
