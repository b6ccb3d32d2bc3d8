// The client of the chat. protocol/protocol.go describes the messages.

import { Connection } from "./connection.js";
import {
  $, addMessage, addPending, addRemark, dressAvatar, following, hideBanner, notice, showBanner, showPeople, showState, toEnd,
} from "./view.js";

// Storage may be disabled in a browser. Then nothing is stored.
const recall = (storage, name) => {
  try { return window[storage].getItem(name) ?? ""; } catch { return ""; }
};
const remember = (storage, name, value) => {
  try { window[storage].setItem(name, value); } catch { /* not stored */ }
};

const randomText = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");

// The key identifies the person of this tab after a reload.
let key = recall("sessionStorage", "chat.key");
function newKey() {
  key = randomText();
  remember("sessionStorage", "chat.key", key);
}
if (!key) newKey();

let wantedName = recall("localStorage", "chat.name");
let me = null; // this person, as sent by the server; null outside of the room
let room = ""; // the run of the server that the ids below belong to
let lastID = 0;
let unread = 0;
const people = new Map(); // by id
const pending = new Map(); // by ref: messages that the server has not confirmed

// ---- events from the server

const on = {
  welcome({ room: current, you, people: present, history = [] }) {
    connection.settled();
    hideBanner();
    me = you;
    people.clear();
    for (const person of present) people.set(person.id, person);
    showMe();

    following(() => {
      if (room && room !== current) {
        addRemark("The server was restarted");
        lastID = 0;
      } else if (room && history.length && history[0].id > lastID + 1) {
        addRemark("Some earlier messages are not shown");
      }
      room = current;
      $("log").ariaBusy = "true";
      for (const message of history) if (message.id > lastID) say(message);
      $("log").ariaBusy = "false";
    }, { always: true });

    for (const waiting of pending.values()) if (!waiting.failed) transmit(waiting);
    if (me.name !== wantedName) notice(`That name is taken, so you are ${me.name}.`);
  },

  message({ message }) {
    const own = message.from === me?.id;
    following(() => say(message), { always: own });
    if (!own && document.hidden) {
      unread++;
      showTitle();
    }
  },

  joined({ person }) {
    people.set(person.id, person);
    showPresence(`${person.name} joined`);
  },

  left({ person }) {
    people.delete(person.id);
    showPresence(`${person.name} left`);
  },

  renamed({ person, was }) {
    people.set(person.id, person);
    if (person.id === me?.id) {
      me = person;
      showMe();
      if (person.name !== wantedName) notice(`That name is taken, so you are ${person.name}.`);
    }
    if (person.name !== was) showPresence(`${was} is now ${person.name}`);
  },

  refused({ reason, text, ref }) {
    const message = pending.get(ref);
    if (message) {
      message.failed = true;
      following(() => message.shown.failed(), { always: true });
    }
    if (reason !== "name") {
      notice(text);
      return;
    }
    if (!me) wantedName = "";
    askName(text);
  },
};

function say(message) {
  lastID = message.id;
  const own = message.from === me?.id;
  if (own) settle(message.ref);
  addMessage(message, own);
}

function showMe() {
  $("me").hidden = false;
  $("me").setAttribute("aria-label", `You are ${me.name}. Change name`);
  $("me-name").textContent = me.name;
  dressAvatar($("me-avatar"), me);
  showPeople(people.values(), me);
}

function showPresence(remark) {
  if (!me) return;
  showPeople(people.values(), me);
  following(() => addRemark(remark));
}

function showTitle() {
  document.title = unread ? `(${unread}) Lobby` : "Lobby";
}

// ---- the connection

const farewells = {
  1001: "The server has shut down.",
  1008: "You were disconnected, because you sent too much at once.",
  1013: "Messages arrived faster than they could be delivered to you.",
};

const socketURL = new URL("ws", location.href);
socketURL.protocol = location.protocol === "https:" ? "wss:" : "ws:";

const connection = new Connection(socketURL, {
  opened() {
    if (wantedName) join();
    else hideBanner();
  },
  received(event) {
    on[event.type]?.(event);
  },
  changed(state, close) {
    showState(state);
    if (state !== "offline") return;
    me = null;
    if (close.code === 4001) {
      // Another tab has the same key, as a copy of this one. It keeps the key.
      newKey();
      connection.connect();
      return;
    }
    showBanner(farewells[close.code] ?? "The server can't be reached.", close.retryAt);
  },
});

function join() {
  connection.send({ type: "join", name: wantedName, key });
}

// ---- saying something

function compose(text) {
  const ref = randomText();
  const message = { ref, text, failed: false };
  message.shown = addPending(text, {
    again() {
      message.failed = false;
      message.shown.sending();
      transmit(message);
    },
    discard: () => settle(ref),
  });
  pending.set(ref, message);
  toEnd();
  transmit(message);
}

// transmit sends a message if we are in the room. Otherwise the next welcome does so.
function transmit({ ref, text }) {
  if (me) connection.send({ type: "say", text, ref });
}

function settle(ref) {
  pending.get(ref)?.shown.remove();
  pending.delete(ref);
}

const input = $("message-input");

function fitInput() {
  input.style.height = "auto";
  input.style.height = `${input.scrollHeight}px`;
}

$("message-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = input.value.trim();
  if (!text) return;
  input.value = "";
  fitInput();
  compose(text);
});

input.addEventListener("input", fitInput);

// Enter sends, and shift-Enter begins a line. The keyboard of a phone reports only the
// line break, not the key.
let shift = false;
input.addEventListener("keydown", (event) => (shift = event.shiftKey));
input.addEventListener("beforeinput", (event) => {
  if (event.inputType !== "insertLineBreak" || shift) return;
  event.preventDefault();
  $("message-form").requestSubmit();
});

// ---- the name

const dialog = $("name-dialog");

function askName(error = "") {
  $("name-title").textContent = wantedName ? "Another name" : "Come on in";
  $("name-submit").textContent = wantedName ? "Change" : "Join";
  $("name-cancel").hidden = !wantedName;
  $("name-error").textContent = error;
  $("name-input").value = me?.name ?? wantedName;
  if (!dialog.open) dialog.showModal();
  $("name-input").select();
}

$("name-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = $("name-input").value.trim().replace(/\s+/g, " ");
  if (!name) {
    $("name-error").textContent = "Please enter a name.";
    return;
  }
  dialog.close();
  input.focus();
  if (name === me?.name) return;
  wantedName = name;
  remember("localStorage", "chat.name", name);
  if (me) connection.send({ type: "rename", name });
  else join();
});

$("me").addEventListener("click", () => askName());
$("name-cancel").addEventListener("click", () => dialog.close());
dialog.addEventListener("cancel", (event) => {
  if (!wantedName) event.preventDefault();
});
dialog.addEventListener("close", () => {
  if (!wantedName) askName(); // browsers close the dialog at the second attempt
});

// ---- the page

$("retry").addEventListener("click", () => connection.connect());

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  unread = 0;
  showTitle();
});
window.addEventListener("online", () => connection.connect());

// A page may be kept after the user has left it, and be shown again without a connection.
window.addEventListener("pagehide", () => connection.close());
window.addEventListener("pageshow", (event) => {
  if (event.persisted) connection.connect();
});

connection.connect();
if (!wantedName) askName();
else if (matchMedia("(pointer: fine)").matches) input.focus();
