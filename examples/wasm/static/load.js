// Runs the client, a Go program compiled to WebAssembly.

import "./wasm_exec.js"; // from the Go distribution; defines Go

async function run() {
  if (typeof WebAssembly === "undefined") throw new Error("this browser has no WebAssembly");
  document.getElementById("status").textContent = "Loading…";
  const go = new Go();
  const { instance } = await WebAssembly.instantiateStreaming(fetch("chat.wasm"), go.importObject);
  await go.run(instance); // until its main returns
  throw new Error("the program has ended");
}

run().catch((error) => {
  console.error(error);
  const reload = document.createElement("button");
  reload.type = "button";
  reload.textContent = "Reload";
  reload.onclick = () => location.reload();
  document.getElementById("retry").replaceWith(reload);
  document.getElementById("banner-text").textContent = `The chat does not run: ${error.message}.`;
  document.getElementById("banner").hidden = false;
  const status = document.getElementById("status");
  status.textContent = "Stopped";
  status.dataset.state = "offline";
});
