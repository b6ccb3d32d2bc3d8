// Loaded by the page, and by the worker that the page starts.

// runHere runs the tests in this page or worker and returns the exit code.
async function runHere(args, env) {
	const go = new Go();
	go.argv = ["ws.wasm", ...args];
	go.env = env;
	let code = 0;
	go.exit = (c) => { code = c; };
	const { instance } = await WebAssembly.instantiateStreaming(fetch("/ws.wasm"), go.importObject);
	await go.run(instance);
	return code;
}

// runInWorker runs the tests in a worker, whose output goes to this page's
// console.
function runInWorker(args, env) {
	const worker = new Worker("/run.js");
	return new Promise((resolve, reject) => {
		worker.onerror = (event) => reject(new Error(event.message));
		worker.onmessage = ({ data }) => {
			if (data.line !== undefined) {
				console.log(data.line);
			} else {
				resolve(data.code);
			}
		};
		worker.postMessage({ args, env });
	});
}

if (typeof importScripts === "function") {
	importScripts("/wasm_exec.js");
	console.log = (line) => postMessage({ line });
	onmessage = async ({ data }) => postMessage({ code: await runHere(data.args, data.env) });
}
