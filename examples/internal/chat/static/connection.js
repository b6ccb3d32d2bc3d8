// A WebSocket that is opened again after it was closed.

// The pause before the next attempt doubles from the first to the last value. Half of it
// is random, so that the clients of a server that has restarted do not all connect at the
// same moment.
const firstPause = 500;
const lastPause = 15000;
const patience = 10000; // for the opening handshake

// Close codes after which the page must not reconnect automatically.
const final = new Set([1007, 1008]);

export class Connection {
  #url;
  #handlers;
  #socket = null;
  #timer = 0;
  #attempts = 0;

  // The handlers are opened(), received(event), and changed(state, close) with the state
  // "connecting", "connected" or "offline". If it is offline, close has the code and the
  // time of the next attempt, or null if there is none.
  constructor(url, handlers) {
    this.#url = url;
    this.#handlers = handlers;
  }

  // connect opens the connection at once, if it is not open.
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

  // settled resets the pause, after the server has answered.
  settled() {
    this.#attempts = 0;
  }

  // send sends a value as JSON. It returns false if there is no connection.
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
