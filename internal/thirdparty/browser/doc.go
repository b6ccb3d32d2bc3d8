// Package browser runs the root package's tests for GOOS=js in their environments: in a
// page and in a worker of headless Chromium, and in Node.js, with a server in the
// test's process. It fails if different tests of the table of behaviour pass there and
// in a native client.
package browser
