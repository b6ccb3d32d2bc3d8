// Package moved has no code. Its tests download public programs that use another
// WebSocket library, give them this one in its place, and run the tests that these
// programs have.
//
// It is a module of its own, and not part of "make test": "make moved" runs it.
package moved
