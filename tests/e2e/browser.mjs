// Headless Chromium from the distribution, a little web server for pages of other origins, and a proxy.
import { createServer, request } from 'node:http';
import { after } from 'node:test';
import { chromium } from 'playwright-core';

export async function openBrowser() {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  after(() => browser.close());
  return browser;
}

/** Serves `files` (path to [content type, body]) on a free port; resolves to its base URL. */
export async function servePages(files) {
  const server = createServer((request, response) => {
    const found = files[new URL(request.url, 'http://x').pathname];
    response.writeHead(found ? 200 : 404, { 'content-type': found?.[0] ?? 'text/plain' });
    response.end(found?.[1] ?? 'not found');
  });
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
  after(() => server.close());
  return `http://127.0.0.1:${server.address().port}`;
}

/** Passes on what is asked, at the path that `rewrite` gives, or answers 404 where that gives none; resolves to the proxy's own URL. */
export async function proxy(base, rewrite) {
  const server = createServer((incoming, outgoing) => {
    const path = rewrite(incoming.url);
    if (!path) return outgoing.writeHead(404, { 'content-type': 'application/json' }).end('{"detail":"Not Found"}');
    const onward = request(base + path, { method: incoming.method, headers: incoming.headers }, answer => {
      outgoing.writeHead(answer.statusCode, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    outgoing.on('close', () => onward.destroy());
    incoming.pipe(onward);
  });
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
  after(() => { server.closeAllConnections(); server.close(); });
  return `http://127.0.0.1:${server.address().port}`;
}
