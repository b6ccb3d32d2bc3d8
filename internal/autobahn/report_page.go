package autobahn

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"time"
)

//go:embed report
var pageFiles embed.FS

var pages = template.Must(template.ParseFS(pageFiles, "report/*.html"))

// pageFrame is the common part of all pages: it includes the style and the script, and
// a policy that forbids to load or run anything else.
type pageFrame struct {
	Style  template.CSS
	Script template.JS
	Policy string
}

// Frames of the two kinds of pages.
var (
	indexFrame = newPageFrame("index.css", "index.js")
	caseFrame  = newPageFrame("case.css", "")
)

func newPageFrame(style, script string) pageFrame {
	f := pageFrame{
		Style:  template.CSS(pageFile("style.css") + pageFile(style)),
		Policy: "default-src 'none'; img-src data:; style-src 'unsafe-inline'",
	}
	if script != "" {
		text := pageFile(script)
		sum := sha256.Sum256([]byte(text))
		f.Script = template.JS(text)
		f.Policy += "; script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return f
}

func pageFile(name string) string {
	text, err := pageFiles.ReadFile("report/" + name)
	if err != nil {
		panic(err) // it is embedded
	}
	return string(text)
}

func executePage(name string, view any) ([]byte, error) {
	var b bytes.Buffer
	err := pages.ExecuteTemplate(&b, name, view)
	return b.Bytes(), err
}

// A grade classifies verdicts for colors and filters. It is a class in the style sheet.
type grade string

// Grades, best first.
const (
	gradeOK            grade = "ok"
	gradeInfo          grade = "info"
	gradeUnimplemented grade = "unimplemented"
	gradeStrict        grade = "strict"
	gradeFail          grade = "fail"
)

var grades = []grade{gradeOK, gradeInfo, gradeUnimplemented, gradeStrict, gradeFail}

func gradeOf(v Verdict) grade {
	switch v {
	case OK:
		return gradeOK
	case Informational:
		return gradeInfo
	case Unimplemented:
		return gradeUnimplemented
	case NonStrict:
		return gradeStrict
	}
	return gradeFail
}

// grade returns the grade of the worse of the two verdicts.
func (r *Result) grade() grade {
	behavior, closing := gradeOf(r.Behavior), gradeOf(r.BehaviorClose)
	for _, g := range grades {
		if g == behavior {
			return closing
		}
		if g == closing {
			return behavior
		}
	}
	return gradeFail
}

// durationText formats a duration.
func durationText(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", milliseconds(d))
	case d < time.Minute:
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	return fmt.Sprintf("%.0f s", d.Seconds())
}
