// A WebSocket that is opened again when it was closed.

// The pause before another attempt doubles from the first to the last value.
// Half of it is left to chance, so that the clients of a server that comes
// back don't all call at the same moment.
const firstPause = 500;
const lastPause = 15000;
const patience = 10000; // for a connection to open

// Close codes after which it would be wrong to come back uninvited.
const final = new Set([1007, 1008]);

export class Connection {
  #url;
  #handlers;
  #socket = null;
  #timer = 0;
  #attempts = 0;

  // The handlers are: opened(), received(event), and changed(state, close)
  // with state "connecting", "connected" or "offline". close is there when
  // offline: the code and when the next attempt will be, or null if never.
  constructor(url, handlers) {
    this.#url = url;
    this.#handlers = handlers;
  }

  // connect opens the connection, now, if it is not open.
  connect() {
    if (this.#socket) return;
    clearTimeout(this.#timer);
    this.#handlers.changed("connecting");

    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    const giveUp = setTimeout(() => socket.close(), patience);
    socket.onopen = () => {
      clearTimeout(giveUp);
      this.#handlers.changed("connected");
      this.#handlers.opened();
    };
    socket.onmessage = ({ data }) => this.#handlers.received(JSON.parse(data));
    socket.onclose = ({ code }) => {
      clearTimeout(giveUp);
      if (this.#socket !== socket) return;
      this.#socket = null;
      this.#wait(code);
    };
  }

  // settled is told when the other side has made sense: the next pause
  // begins small again.
  settled() {
    this.#attempts = 0;
  }

  // send sends a value as JSON. It returns false when there is no connection.
  send(value) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(value));
    return true;
  }

  // close closes the connection until connect is called.
  close() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(1000);
  }

  #wait(code) {
    if (final.has(code)) {
      this.#handlers.changed("offline", { code, retryAt: null });
      return;
    }
    const longest = Math.min(lastPause, firstPause * 2 ** this.#attempts++);
    const pause = longest * (0.5 + Math.random() / 2);
    this.#timer = setTimeout(() => this.connect(), pause);
    this.#handlers.changed("offline", { code, retryAt: Date.now() + pause });
  }
}
