// Package moved contains only tests. They download public programs that use another
// WebSocket library, replace that library with this one, and run the programs' own
// tests.
//
// It is a separate module and not part of "make test": "make moved" runs it.
package moved
