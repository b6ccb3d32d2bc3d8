// One side of the interop tests, on the ws package.
//
//   node peer.js server SETTINGS    prints {"port": N}
//   node peer.js client SETTINGS    dials for each {"id", "url", "behavior",
//                                   "subprotocols"} that it reads
//
// SETTINGS is a JSON object: "deflate", "serverNoTakeover",
// "clientNoTakeover" and "windowBits". For each connection that has ended it
// prints its subprotocol, extensions, close code and reason. It exits when its standard input ends.
'use strict';

const readline = require('node:readline');
const { WebSocket, WebSocketServer } = require('ws');

const [role, settings] = [process.argv[2], JSON.parse(process.argv[3])];

const fragmentBytes = 1000;

const perMessageDeflate = settings.deflate && {
  threshold: 0,
  serverNoContextTakeover: settings.serverNoTakeover || undefined,
  clientNoContextTakeover: settings.clientNoTakeover || undefined,
  serverMaxWindowBits: settings.windowBits || undefined,
  clientMaxWindowBits: settings.windowBits || undefined,
};

function print(value) {
  process.stdout.write(JSON.stringify(value) + '\n');
}

// Each behavior answers a message.
const behaviors = {
  echo(ws, data, binary) {
    ws.send(data, { binary });
  },

  // Fragments may end inside a character; a ping goes between them.
  fragments(ws, data, binary) {
    for (let i = 0; i < data.length; i += fragmentBytes) {
      ws.send(data.subarray(i, i + fragmentBytes), { binary, fin: false });
      if (i === 0) ws.ping('between');
    }
    ws.send('', { binary, fin: true });
  },

  ping(ws, data) {
    ws.once('pong', (payload) => ws.send('pong ' + payload));
    ws.ping(data);
  },

  close(ws, data) {
    const { code, reason } = JSON.parse(data);
    if (code) ws.close(code, reason);
    else ws.close();
  },
};

function run(ws, behavior, report) {
  ws.on('message', (data, binary) => behaviors[behavior](ws, data, binary));
  ws.on('error', (err) => { report.error = String(err); });
  ws.on('close', (code, reason) => {
    report.subprotocol = ws.protocol;
    report.code = code;
    report.reason = reason.toString();
    print(report);
  });
}

if (role === 'server') {
  const server = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    perMessageDeflate,
    handleProtocols: (offered) => offered.has('interop') && 'interop',
  });
  server.on('listening', () => print({ port: server.address().port }));
  server.on('headers', (headers, request) => {
    const line = headers.find((h) => /^sec-websocket-extensions:/i.test(h));
    request.extensions = line ? line.slice(line.indexOf(':') + 1).trim() : '';
  });
  server.on('connection', (ws, request) => {
    const url = new URL(request.url, 'http://localhost');
    run(ws, url.pathname.slice(1), {
      id: url.searchParams.get('id'),
      extensions: request.extensions,
    });
  });
}

const input = readline.createInterface({ input: process.stdin });
input.on('close', () => process.exit(0));
if (role === 'client') {
  input.on('line', (line) => {
    const job = JSON.parse(line);
    const report = { id: job.id, extensions: '' };
    const ws = new WebSocket(job.url, job.subprotocols || [], { perMessageDeflate });
    ws.on('upgrade', (response) => {
      report.extensions = response.headers['sec-websocket-extensions'] || '';
    });
    run(ws, job.behavior, report);
  });
}
