package report

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bhojpur/api/internal/autobahn"
	"github.com/bhojpur/api/internal/thirdparty/chromium"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// JavaScript expressions for the visible content of the page.
const (
	groups  = `[...document.querySelectorAll("[data-group]")].filter((g) => g.innerText.length > 5).map((g) => g.dataset.group)`
	passed  = `[...document.querySelectorAll("[data-agent]")].map((a) => a.dataset.agent + " " + a.querySelector("[data-passed]").innerText)`
	seen    = `[...document.querySelectorAll("tr.case")].filter((row) => row.checkVisibility()).map((row) => row.id.slice(5)).join(" ")`
	titles  = `[...document.querySelectorAll(".group")].filter((g) => g.checkVisibility()).map((g) => g.id.slice(6)).join(" ")`
	nothing = `document.querySelector("#nothing").checkVisibility()`
	wire    = `[...document.querySelectorAll(".wire tbody tr")].map((row) => [...row.cells].map((cell) => cell.innerText).join("|"))`
)

// made are the results that are not OK, by case.
var made = map[string][2]autobahn.Verdict{
	"1.1.2":  {autobahn.OK, autobahn.Unclean},
	"6.4.1":  {autobahn.NonStrict, autobahn.OK},
	"6.4.2":  {autobahn.Failed, autobahn.WrongCode},
	"7.13.1": {autobahn.Informational, autobahn.Informational},
	"13.3.1": {autobahn.Unimplemented, autobahn.OK},
}

// makeReport creates a report of two agents: a correct one, and one with all kinds of
// verdicts. It returns the path of its index page.
func makeReport(t *testing.T) (index string) {
	t.Helper()
	r, err := autobahn.NewReport(t.TempDir(), autobahn.Cases())
	if err != nil {
		t.Fatal(err)
	}
	for _, cs := range autobahn.Cases() {
		right := resultOf(cs)
		right.Agent = "right"
		mixed := resultOf(cs)
		mixed.Agent = "mixed"
		if verdicts, ok := made[cs.ID]; ok {
			mixed.Behavior, mixed.BehaviorClose = verdicts[0], verdicts[1]
		}
		for _, res := range []*autobahn.Result{right, mixed} {
			if err := r.Add(res); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := r.WriteIndex(); err != nil {
		t.Fatal(err)
	}
	index, err = filepath.Abs(r.Index())
	if err != nil {
		t.Fatal(err)
	}
	return index
}

func resultOf(cs *autobahn.Case) *autobahn.Result {
	return &autobahn.Result{
		Case: cs, Role: autobahn.ServerRole, Started: time.Now(), Duration: 3 * time.Millisecond,
		Behavior: autobahn.OK, BehaviorClose: autobahn.OK, Why: "because", WhyClose: "for a reason",
		Request: "GET / HTTP/1.1", Response: "HTTP/1.1 101 Switching Protocols",
		LocalCode: 1000, RemoteCode: 1000, Clean: true, ClosedBySuite: true,
		Log: []autobahn.Entry{
			{Kind: autobahn.SentFrame, Fin: true, RSV: 4, Opcode: autobahn.Text, Masked: true, Length: 60, Head: []byte(strings.Repeat("a b ", 15))},
			{Kind: autobahn.ReceivedFrame, Opcode: autobahn.Text, At: 2 * time.Millisecond, Length: 9, Head: []byte("<i>κ\xff</i>")},
			{Kind: autobahn.Note, At: 3 * time.Millisecond, Text: "TCP ended"},
		},
	}
}

func TestReport(t *testing.T) {
	r := open(t, chromium.Start(t, timeout), makeReport(t))
	r.see(groups, strings.Fields("1 2 3 4 5 6 7 9 10 12 13"))
	r.see(titles, "1 2 3 4 5 6 7 9 10 12 13")
	r.see(passed, []string{"right 517", "mixed 513"})
	r.see(seen+`.split(" ").length`, 517)
	r.see(`new Set([...document.querySelectorAll(".cases a.verdict")].map((v) => getComputedStyle(v).color)).size`, 5)

	// Use only the keyboard.
	r.do(chromedp.Focus(chromedp.CSS("input[name=show]:checked")))
	for _, want := range []string{
		"1.1.2 6.4.1 6.4.2 13.3.1", // did not pass
		"1.1.2 6.4.2",              // failed
		"6.4.1",
		"13.3.1",
		"7.13.1",
	} {
		r.press(kb.ArrowDown)
		r.see(seen, want)
	}
	r.see(titles, "7")
	r.press(kb.ArrowDown) // to all, the first
	r.press(kb.ArrowDown)
	r.stroke("/")
	r.press("6.4")
	r.see(seen, "6.4.1 6.4.2")
	r.press("?")
	r.see(seen, "")
	r.see(nothing, true)
	r.press(kb.Backspace + kb.Backspace + kb.Backspace + kb.Backspace + "Greek word")
	r.see(`document.querySelector("#search").value`, "Greek word")
	r.see(seen, "6.4.1")
	r.see(nothing, false)

	// Open a case and go back: the filter is unchanged.
	r.do(chromedp.Focus(chromedp.CSS(`a[href="mixed_case_6_4_1.html"]`)))
	r.press(kb.Enter)
	r.see(`document.querySelector("[data-behavior]").innerText`, "NON-STRICT")
	r.do(chromedp.Focus(chromedp.CSS(`a[href="index.html#case-6.4.1"]`)))
	r.press(kb.Enter)
	r.see(`location.hash + document.querySelectorAll("tr.case").length`, "#case-6.4.1517")
	r.do(chromedp.NavigateBack(), chromedp.NavigateBack())
	r.see(`document.querySelector("input[name=show]:checked").value`, "not-passed")

	r.do(chromedp.Focus(chromedp.CSS(`a[href="mixed_case_6_4_2.html"]`)))
	r.press(kb.Enter)
	r.see(`document.querySelector("[data-behavior]").innerText`, "FAILED")
	r.see(`document.querySelector("[data-closing]").innerText`, "WRONG CODE")
	r.see(wire, []string{
		"0.000|→ sent|text|FIN|1|00000000|60|" + strings.Repeat("a b ", 12) + "…",
		"2.000|← received|text||||9|<i>κ\\xff</i>",
		"3.000|TCP ended",
	})
	r.do(chromedp.Focus(chromedp.CSS(".wire summary")))
	r.press(kb.Enter)
	r.see(`document.querySelector(".wire .rest").innerText`, strings.Repeat("a b ", 15))
}

// TestLooks tests the appearance of all pages in all variants: texts have enough
// contrast, nothing is wider than a phone, and printed pages have no controls.
func TestLooks(t *testing.T) {
	browser := chromium.Start(t, timeout)
	index := makeReport(t)
	for _, name := range []string{"index.html", "mixed_case_6_4_2.html", "right_case_1_1_1.html"} {
		t.Run(name, func(t *testing.T) {
			r := open(t, browser, filepath.Join(filepath.Dir(index), name))
			for _, scheme := range []string{"light", "dark"} {
				r.media("", scheme)
				r.see(`matchMedia("(prefers-color-scheme: `+scheme+`)").matches`, true)
				r.see(faint, []string{})
			}
			r.do(chromedp.EmulateViewport(390, 800))
			r.see(`document.documentElement.scrollWidth`, 390)
			r.do(chromedp.EmulateViewport(1200, 800))
			r.media("print", "light")
			r.see(`matchMedia("print").matches`, true)
			r.see(`[...document.querySelectorAll("form, .skip")].filter((e) => e.checkVisibility()).length`, 0)
			r.see(faint, []string{})
		})
	}
}

// faint returns each text with a contrast below 4.5 to 1, the minimum of WCAG 2
// (success criterion 1.4.3). It blends colors as the browser does.
const faint = `(() => {
	const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
	const luminance = (colors) => {
		for (const color of ["white", ...colors]) {
			canvas.fillStyle = color;
			canvas.fillRect(0, 0, 1, 1);
		}
		const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((v) =>
			v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const seen = new Map();
	for (const e of document.body.querySelectorAll("*")) {
		if (!e.checkVisibility() || ![...e.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.data.trim())) continue;
		const behind = [];
		for (let a = e; a; a = a.parentElement) behind.unshift(getComputedStyle(a).backgroundColor);
		const colors = [...behind, getComputedStyle(e).color];
		if (seen.has(colors.join())) continue;
		const [dark, light] = [luminance(behind), luminance(colors)].sort((a, b) => a - b);
		const contrast = (light + 0.05) / (dark + 0.05);
		seen.set(colors.join(), contrast < 4.5 ? e.tagName + " " + e.className + " " + contrast.toFixed(2) : "");
	}
	return [...seen.values()].filter((text) => text);
})()`
