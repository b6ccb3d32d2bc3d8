// The page. Text of people becomes text nodes, never HTML.

export const $ = (id) => document.getElementById(id);

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const calendar = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

const maxShown = 1000; // messages and remarks in the log
const groupedWithin = 5 * 60 * 1000;
const nearby = 80; // distance from the end, in pixels, that counts as the end

// make returns an element with a class and children, which are nodes or text.
export function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

const letters = new Intl.Segmenter(undefined, { granularity: "grapheme" });

function initials(name) {
  const firsts = name.split(" ").map((word) => letters.segment(word)[Symbol.iterator]().next().value?.segment ?? "");
  return firsts.slice(0, 2).join("").toUpperCase();
}

// hue returns the hue of a person.
function hue(id) {
  let h = 0;
  for (const char of id) h = (h * 31 + char.codePointAt(0)) % 360;
  return h;
}

export function dressAvatar(element, person) {
  element.dataset.initials = initials(person.name);
  element.style.setProperty("--hue", hue(person.id));
}

function avatar(person) {
  const element = make("span", "avatar");
  element.setAttribute("aria-hidden", "true");
  dressAvatar(element, person);
  return element;
}

// showPeople shows the people in the room, this person first.
export function showPeople(people, me) {
  const sorted = [...people].sort((a, b) => (b.id === me.id) - (a.id === me.id) || a.name.localeCompare(b.name));
  $("people").replaceChildren(...sorted.map((person) => {
    const item = make("li", "", avatar(person), make("bdi", "", person.name));
    item.dataset.person = person.name;
    if (person.id === me.id) item.append(make("span", "you", "you"));
    return item;
  }));
  $("people-count").textContent = sorted.length;
}

// withLinks splits a text into nodes, with links for its web addresses.
function withLinks(text) {
  return text.split(/(https?:\/\/[^\s<>"]*[^\s<>".,:;!?')\]])/).map((part, i) => {
    if (i % 2 === 0) return part;
    const link = make("a", "", part);
    link.href = part;
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
    return link;
  });
}

function bubble(text) {
  const element = make("div", "bubble", ...withLinks(text));
  element.dataset.text = "";
  element.dir = "auto";
  return element;
}

// The last message. The next one may be grouped with it. from is null after a remark.
const last = { from: null, name: "", time: 0, day: "" };

// addMessage appends a message to the log.
export function addMessage(message, own) {
  const time = new Date(message.time);
  if (time.toDateString() !== last.day) addDay(time);
  const first = message.from !== last.from || message.name !== last.name || time - last.time > groupedWithin;
  Object.assign(last, { from: message.from, name: message.name, time: time.getTime() });

  const author = make("bdi", "", message.name);
  author.dataset.author = message.name;
  if (own) author.className = "unseen";
  const when = make("time", "", clock.format(time));
  when.dateTime = message.time;

  const sender = { id: message.from, name: message.name };
  const element = make("article", "message", avatar(sender), make("div", "byline", author, when), bubble(message.text));
  element.dataset.message = message.id;
  element.style.setProperty("--hue", hue(message.from));
  element.classList.toggle("first", first);
  element.classList.toggle("own", own);
  add(element);
}

function addDay(time) {
  last.day = time.toDateString();
  const today = last.day === new Date().toDateString();
  addRemark(today ? "Today" : calendar.format(time), "day");
}

// addRemark appends a line that is not a message.
export function addRemark(text, className = "") {
  last.from = null;
  add(make("p", "aside " + className, make("bdi", "", text)));
}

function add(element) {
  const log = $("log");
  log.append(element);
  if (element.dataset.message) $("empty").hidden = true;
  while (log.childElementCount > maxShown) log.firstElementChild.remove();
}

// addPending shows a message that the server has not confirmed. The returned functions
// change its state.
export function addPending(text, { again, discard }) {
  const fate = make("div", "fate", "On its way…");
  const element = make("div", "message own pending", bubble(text), fate);
  $("pending").append(element);
  $("empty").hidden = true;
  return {
    sending() {
      element.classList.remove("failed");
      fate.replaceChildren("On its way…");
    },
    failed() {
      element.classList.add("failed");
      const retry = make("button", "", "Send again");
      const drop = make("button", "", "Discard");
      retry.type = drop.type = "button";
      retry.onclick = again;
      drop.onclick = discard;
      fate.replaceChildren("Not sent", retry, drop);
    },
    remove() {
      element.remove();
      $("empty").hidden = Boolean(document.querySelector("#log [data-message], #pending > *"));
    },
  };
}

const scroller = $("scroller");
const nearEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < nearby;
const size = () => `${scroller.clientWidth} ${scroller.clientHeight}`;
let knownSize = "";
let wasNearEnd = true; // at the last known size of the scroller

// following runs change, which adds to the messages. It keeps the end visible if it was,
// and otherwise shows the button.
export function following(change, { always = false } = {}) {
  const stay = always || nearEnd();
  change();
  if (stay) toEnd();
  else $("to-end").hidden = false;
}

export function toEnd() {
  wasNearEnd = true;
  scroller.scrollTop = scroller.scrollHeight;
  $("to-end").hidden = true;
}

scroller.addEventListener("scroll", () => {
  if (size() !== knownSize) return; // scrolled by the browser, not by the reader
  wasNearEnd = nearEnd();
  if (wasNearEnd) $("to-end").hidden = true;
}, { passive: true });
$("to-end").addEventListener("click", toEnd);

// The keyboard of a phone, and a long text in the input, make the scroller smaller.
new ResizeObserver(() => {
  knownSize = size();
  if (wasNearEnd) toEnd();
}).observe(scroller);

let noticeTimer = 0;

// notice shows a text above the input for a short time.
export function notice(text) {
  clearTimeout(noticeTimer);
  $("notice").textContent = text;
  noticeTimer = setTimeout(() => ($("notice").textContent = ""), 6000);
}

const stateNames = { connected: "Connected", connecting: "Connecting…", offline: "Offline" };

export function showState(state) {
  const element = $("status");
  if (element.dataset.state === state) return;
  element.dataset.state = state;
  element.textContent = stateNames[state];
}

let countdown = 0;

// showBanner shows that the connection is lost, and the time of the next attempt. Screen
// readers announce only the text, since the seconds change too often.
export function showBanner(text, retryAt) {
  clearInterval(countdown);
  const seconds = make("span");
  seconds.setAttribute("aria-hidden", "true");
  const tick = () => {
    const left = Math.max(1, Math.ceil((retryAt - Date.now()) / 1000));
    seconds.textContent = ` Trying again in ${left} s.`;
  };
  if (retryAt) {
    tick();
    countdown = setInterval(tick, 250);
  }
  $("banner-text").replaceChildren(text, seconds);
  $("retry").textContent = retryAt ? "Try now" : "Connect";
  $("banner").hidden = false;
}

export function hideBanner() {
  clearInterval(countdown);
  $("banner").hidden = true;
}
