// Package browser runs the root package's tests for GOOS=js where they belong:
// in a page and in a worker of headless Chromium, and in Node.js, against a
// server here. It fails where these pass other tests of the table of behaviour
// than a native client does.
package browser
