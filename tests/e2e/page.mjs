// What the browser tests of Weir's own debugger have in common: a server, headless Chromium, pages that fail the test when
// something goes wrong in them. No request may leave the server, nothing may be said on the console.
import assert from 'node:assert';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openBrowser } from './browser.mjs';
import { built, eventually, post, startProgram } from './server.mjs';

export const folder = mkdtempSync(join(tmpdir(), 'weir-ui-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const shots = join(dirname(process.env.WEIR_BENCH_SERVER), 'screenshots');
mkdirSync(shots, { recursive: true });

export const serve = (args = [], options = {}) => startProgram(built('weir-ui-test-server'), ['--port', '0', ...args], options);
export const { base } = await serve();
const browser = await openBrowser();

export const get = (path, from = base) => fetch(from + path).then(response => response.json());
export async function start(workflow, input = {}, from = base) {
  const response = await post(from, `/workflows/${workflow}/run-nowait`, { start_event: input });
  assert.equal(response.status, 200);
  return (await response.json()).handler_id;
}
export const ended = (id, from = base) => eventually(() => get(`/handlers/${id}?detail=true`, from), handler => handler.status !== 'running', 60000);

// A slower machine and network, to look for tests (and pages) that only work when everything is quick: WEIR_SLOW=400 delays each
// answer of the server by up to 400 ms and lets the page's thread run at a quarter of its speed.
const slow = Number(process.env.WEIR_SLOW ?? 0);
async function slowDown(context, page) {
  await context.route('**/*', async route => {
    await delay(Math.random() * slow);
    await route.continue().catch(() => {});
  });
  const session = await context.newCDPSession(page);
  await session.send('Emulation.setCPUThrottlingRate', { rate: 4 });
}

/** A page that fails the test when something goes wrong in it, unless `quiet`. */
export async function open(hash = '', { from = base, quiet = false, width = 1440, theme = 'light' } = {}) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: theme, acceptDownloads: true });
  const page = await context.newPage();
  page.setDefaultTimeout(20000);
  page.setDefaultNavigationTimeout(60000); // the first page of a browser on a busy machine
  if (slow > 0) await slowDown(context, page);
  const wrong = [];
  if (!quiet) page.on('console', message => message.type() === 'error' && wrong.push(`${message.text()} ${message.location().url}`));
  page.on('pageerror', error => wrong.push(String(error)));
  page.on('request', request => {
    if (!request.url().startsWith(from) && !/^(data|blob):/.test(request.url())) wrong.push(`a request to ${request.url()}`);
  });
  await page.goto(`${from}/${hash}`);
  return { page, context, close: async () => { await context.close(); assert.deepEqual(wrong, []); } };
}

export const shot = (page, name) => page.screenshot({ path: join(shots, `${name}.png`) });
export const position = page => page.getByTestId('position').innerText();
export const counts = (locator, expected) => eventually(() => locator.count(), count => count === expected);
export const holds = (field, expected) => eventually(() => field.inputValue(), value => value === expected);
export const standsAt = async (page, expected) => assert.equal(await eventually(() => position(page), text => text === expected), expected);
