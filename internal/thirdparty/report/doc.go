// Package report looks at the conformance suite's reports in headless Chromium, as
// people do who have got one.
package report
