// Package report tests the conformance suite's HTML reports in headless Chromium.
package report
