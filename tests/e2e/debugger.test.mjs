// The npm package @llamaindex/workflow-debugger, unmodified, in headless Chromium, from another origin: starts a run,
// watches it, answers its question. And the browser's own EventSource.
import assert from 'node:assert';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { openBrowser, servePages } from './browser.mjs';
import { eventually, post, startServer } from './server.mjs';

const dist = new URL('./node_modules/@llamaindex/workflow-debugger/dist/', import.meta.url);
const { base } = await startServer();
const browser = await openBrowser();
const pages = await servePages({
  '/': ['text/html', '<!doctype html><link rel="stylesheet" href="/app.css"><div id="root"></div><script type="module" src="/app.js"></script>'],
  '/empty': ['text/html', '<!doctype html><title>empty</title>'],
  '/app.js': ['text/javascript', readFileSync(new URL('app.js', dist))],
  '/app.css': ['text/css', readFileSync(new URL('app.css', dist))],
});

async function openPage(path) {
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  page.setDefaultTimeout(20000);
  page.setDefaultNavigationTimeout(60000); // the first page of a browser on a busy machine
  await page.route(url => !['127.0.0.1'].includes(url.hostname), route => route.abort());
  await page.goto(pages + path);
  return page;
}

async function choose(page, workflow) {
  await page.getByText('Select workflow...').click();
  await page.getByRole('option', { name: workflow, exact: true }).click();
}

test('the debugger starts a run and watches it to its end', { timeout: 120000 }, async () => {
  const page = await openPage(`/?api=${encodeURIComponent(base)}`);
  await choose(page, 'greet_docs');
  await page.getByRole('button', { name: 'Run Workflow' }).click();
  await page.getByText('completed', { exact: true }).first().waitFor();
  await page.getByText('Hello, World!').first().waitFor();
  await eventually(() => page.getByText('"sequence"').count(), count => count === 3);  // all of them, the first ones too
  await page.close();
});

test('the debugger shows a question and sends the answer', { timeout: 120000 }, async () => {
  const page = await openPage(`/?api=${encodeURIComponent(base)}`);
  await choose(page, 'hitl');
  await page.getByRole('button', { name: 'Run Workflow' }).click();
  await page.getByText('What is your name?').waitFor();
  await page.getByRole('button', { name: 'Send Event' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('combobox').click();
  await page.getByRole('option', { name: 'Answer', exact: true }).click();
  await dialog.getByRole('textbox').first().fill('Ada');
  await dialog.getByRole('button', { name: 'Send Event' }).click();
  await page.getByText('Got: Ada').first().waitFor();
  await page.getByText('completed', { exact: true }).first().waitFor();
  await page.close();
});

test('the browser\'s EventSource follows a run across origins with credentials', { timeout: 60000 }, async () => {
  const page = await openPage('/empty');
  const { handler_id } = await (await post(base, '/workflows/stream1000/run-nowait', { start_event: { n: 300 } })).json();
  const seen = await page.evaluate(url => new Promise((resolve, reject) => {
    const source = new EventSource(url, { withCredentials: true });
    const types = [];
    source.onmessage = event => {
      types.push(JSON.parse(event.data).type);
      if (types.at(-1) === 'StopEvent') { source.close(); resolve(types); }
    };
    source.onerror = () => reject(new Error(`stream broke after ${types.length}`));
  }), `${base}/events/${handler_id}`);
  assert.equal(seen.length, 301);
  await page.close();
});

test('the built-in page lists workflows and runs', { timeout: 60000 }, async () => {
  await post(base, '/workflows/noop/run', {});
  const page = await browser.newPage();
  await page.goto(base);
  await page.locator('.card', { hasText: 'greet_typed' }).waitFor();
  assert.ok(await eventually(() => page.locator('.card').count(), count => count === 19));
  await page.goto(`${base}/#/runs?wf=noop`);
  await page.locator('.runs-row', { hasText: 'noop' }).first().waitFor();
  await page.close();
});
