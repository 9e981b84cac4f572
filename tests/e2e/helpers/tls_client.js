// SPDX-License-Identifier: BSD-2-Clause
// tls_client.js ADDRESS PORT CAFILE NAME VERSION ALPN…: a handshake and a request by node's tls.
'use strict';

const fs = require('fs');
const tls = require('tls');

const [host, port, authority, servername, version, ...ALPNProtocols] = process.argv.slice(2);
const options = { host, port, servername, ALPNProtocols, ca: fs.readFileSync(authority) };
if (version !== 'any')
	options.minVersion = options.maxVersion = version;

const socket = tls.connect(options, () => {
	socket.write('GET / HTTP/1.1\r\nHost: tlstrace\r\nConnection: close\r\n\r\n');
});
socket.resume();
socket.on('end', () => socket.end());
