"use strict";
// The filter selects the visible cases. Without it the page shows all of them.
const form = document.getElementById("filter");
const shown = document.getElementById("shown");
const nothing = document.getElementById("nothing");
const sections = form && [...document.querySelectorAll(".group")].map((group) => ({
  group,
  parts: [...group.querySelectorAll("tbody")].map((part) => ({
    part,
    rows: [...part.querySelectorAll("tr.case")].map((row) => ({
      row,
      grades: row.dataset.grades.split(" "),
      text: row.querySelector("th").textContent.toLowerCase().replace(/\s+/g, " ").trim(),
    })),
  })),
}));

function apply() {
  const show = new FormData(form).get("show");
  const wanted = document.getElementById("search").value.toLowerCase().replace(/\s+/g, " ").trim();
  let seen = 0;
  let all = 0;
  for (const { group, parts } of sections) {
    let inGroup = 0;
    for (const { part, rows } of parts) {
      let inPart = 0;
      for (const { row, grades, text } of rows) {
        const fits = (show === "all" || grades.includes(show)) && matches(text, wanted);
        row.hidden = !fits;
        inPart += fits;
      }
      part.hidden = inPart === 0;
      inGroup += inPart;
      all += rows.length;
    }
    group.hidden = inGroup === 0;
    seen += inGroup;
  }
  shown.textContent = seen === all ? `${all} cases` : `${seen} of ${all} cases`;
  nothing.hidden = seen > 0;
}

// A number matches cases whose ID begins with it; words match cases that contain them.
function matches(text, wanted) {
  if (/^[0-9w][0-9.]*$/.test(wanted)) return text.startsWith(wanted);
  return text.includes(wanted);
}

if (form) {
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  // After navigating back, the fields of the page keep their values.
  window.addEventListener("pageshow", apply);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input[type=search]")) return;
    event.preventDefault();
    document.getElementById("search").focus();
  });
}
