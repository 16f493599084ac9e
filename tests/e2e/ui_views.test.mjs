// The debugger's views in headless Chromium: graph, timeline, log, statistics, forks, code to copy, and where the page may live.
import assert from 'node:assert';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { proxy } from './browser.mjs';
import { base, ended, folder, get, holds, open, serve, shot, start } from './page.mjs';
import { eventually, post } from './server.mjs';

const events = (id, from = base) => get(`/events/${id}?stream=false&include_internal=true&limit=1000`, from).then(page => page.events);

test('the graph is there before the first run: loops lead back around the steps, resources and people are nodes', async () => {
  const { page, close } = await open('#/w/walk');
  const graph = page.getByTestId('graph');
  await graph.locator('.node-resource').waitFor();
  await page.goto(`${base}/#/w/ask`);
  await graph.locator('.node-external').waitFor();
  await page.goto(`${base}/#/w/fanout`);
  await graph.getByText('join', { exact: true }).waitFor();
  const boxes = await graph.locator('.node').evaluateAll(nodes => nodes.map(node => {
    const { left, right, top, bottom } = node.getBoundingClientRect();
    return { left, right, top, bottom, name: node.textContent };
  }));
  for (const a of boxes)
    for (const b of boxes)
      assert.ok(a === b || a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top, `${a.name} lies over ${b.name}`);
  assert.equal(new Set(boxes.map(box => `${box.left} ${box.top}`)).size, boxes.length);
  await page.getByRole('tab', { name: 'Schemas' }).click();
  await page.getByText('Starts with').waitFor();
  await close();
});

test('time: what the server says, apart for queue and work, squeezed where nothing ran; a click on the timeline leads to its events', async () => {
  const id = await start('ask', { purpose: 'clocks' });
  await eventually(() => get(`/handlers/${id}?detail=true`), handler => handler.waiting_for.length > 0);
  const asked = Date.now();
  await eventually(() => Date.now(), now => now > asked + 1500); // an idle stretch is what is looked at
  await post(base, `/events/${id}`, { event: { type: 'Decision', value: { approved: true } } });
  await ended(id);
  const { page, close } = await open(`#/w/ask/r/${id}`);
  await page.getByText(/in which nothing ran squeezed/).waitFor();
  await page.getByLabel('squeeze idle time').uncheck();
  await page.getByText(/in which nothing ran squeezed/).waitFor({ state: 'detached' });
  const [first] = await events(id);
  await page.goto(`${base}/#/w/ask/r/${id}?seq=0&tab=inspect`);
  const at = new Date(first.timestamp);
  const pad = (value, digits = 2) => String(value).padStart(digits, '0');
  await page.getByTestId('inspector').getByText(`${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}.${pad(at.getMilliseconds(), 3)}`).waitFor();

  const wide = await start('fanout', { size: 30 });
  await ended(wide);
  await page.goto(`${base}/#/w/fanout/r/${wide}?tab=steps`);
  const queued = page.locator('tr').filter({ has: page.getByRole('button', { name: 'work', exact: true }) }).locator('td').last();
  await queued.getByText(/ms|s$/).waitFor();
  const canvas = page.locator('.timeline-box canvas');
  await eventually(async () => {
    const box = await canvas.boundingBox();
    await page.mouse.click(box.x + box.width / 2, box.y + 50); // in the lane of the second step
    return page.url();
  }, url => /tab=inspect/.test(url) && /seq=\d+/.test(url));
  const inspector = page.getByTestId('inspector');
  await inspector.getByText('Began by').waitFor();
  await inspector.getByRole('button', { name: /^split #\d+$/ }).click(); // what led to it is a click away
  await inspector.getByText(/^split, worker 0, attempt 1/).waitFor();
  await close();
});

test('a part of the timeline is chosen on the overview below it, moved, and left again', async () => {
  const id = await start('fanout', { size: 30 });
  await ended(id);
  const { page, close } = await open(`#/w/fanout/r/${id}`);
  await page.getByTestId('graph').locator('.node').first().waitFor(); // it stands above: nothing moves any more
  const shown = () => page.locator('.timeline-window').evaluate(part => [part.style.left, part.style.width].map(text => Math.round(parseFloat(text))));
  const drag = async (from, to) => {
    const box = await page.getByTestId('timeline-overview').boundingBox();
    await page.mouse.move(box.x + box.width * from, box.y + 10);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * to, box.y + 10, { steps: 4 });
    await page.mouse.up();
  };
  const near = ([left, width]) => ([x, w]) => Math.abs(x - left) <= 2 && Math.abs(w - width) <= 2;
  const all = page.getByRole('button', { name: 'All', exact: true });
  assert.ok(await all.isDisabled());
  await drag(0.2, 0.5);
  await eventually(shown, near([20, 30]));
  await drag(0.3, 0.6);
  await eventually(shown, near([50, 30]));
  await shot(page, 'timeline');
  await all.click();
  await eventually(shown, near([0, 100]));
  await close();
});

test('a log is filtered by type, and holds a run from its very first event', async () => {
  const id = await start('walk', { steps: 4 });
  await ended(id);
  const all = await events(id);
  const { page, close } = await open(`#/w/walk/r/${id}?internal=1`);
  await page.getByTestId('log-count').getByText(`${all.length} of ${all.length}`).waitFor();
  await page.getByRole('listbox', { name: 'Events' }).locator('.event-number').first().getByText('0', { exact: true }).waitFor();
  await page.getByLabel('Event type').selectOption('Tick');
  await page.getByTestId('log-count').getByText(`4 of ${all.length}`).waitFor();
  await page.reload();
  await page.getByTestId('log-count').getByText(`4 of ${all.length}`).waitFor();
  await close();
});

test('runs are found by what they answered or died of, and when; the filter is in the URL', async () => {
  const id = await start('flaky', { failures: 9 });
  await ended(id);
  const { page, close } = await open('#/runs');
  await page.getByLabel('Search runs').fill('attempt 4 BROKE');
  await page.waitForURL(/find=/);
  await page.getByText('1 of 1 runs').waitFor();
  await page.getByLabel('Started').selectOption('1h');
  await page.getByLabel('Workflow').selectOption('flaky');
  await page.getByLabel('Status').selectOption('failed');
  await page.reload();
  await page.getByText('1 of 1 runs').waitFor();
  await page.getByRole('link', { name: id }).waitFor();
  await page.getByLabel('Workflow').selectOption('ask');
  await page.getByText('No run matches.').waitFor();
  await close();
});

test('statistics tell how the last runs went, step by step', async () => {
  const id = await start('flaky', { failures: 1 });
  await ended(id);
  const { page, close } = await open('#/w/flaky?tab=statistics');
  const table = page.getByTestId('statistics');
  await table.locator('tr').filter({ hasText: 'attempt' }).first().waitFor();
  await table.getByRole('link', { name: id }).waitFor();
  await shot(page, 'statistics');
  await page.goto(`${base}/#/`);
  await page.locator('.card').filter({ hasText: 'flaky' }).getByRole('img', { name: /^How long the last \d+ completed runs took/ }).waitFor();
  await shot(page, 'home');
  await close();
});

test('a run is forked behind an event, with other state; the fork goes its own way', async () => {
  const { base: from } = await serve(['--store', `sqlite:${join(folder, 'forks.db')}`, '--accept-context-api']);
  const id = await start('ask', { purpose: 'trains' }, from);
  await eventually(() => get(`/handlers/${id}?detail=true`, from), handler => handler.waiting_for.length > 0);
  await post(from, `/events/${id}`, { event: { type: 'Decision', value: { approved: false } } });
  await ended(id, from);
  const asked = (await events(id, from)).find(event => event.type === 'Approval').sequence;
  const { page, close } = await open(`#/w/ask/r/${id}?seq=${asked}`, { from });
  await page.getByRole('button', { name: 'Fork here…' }).click();
  const fork = page.getByTestId('fork');
  await fork.getByText(`Fork behind event #${asked}`).waitFor();
  await fork.getByRole('textbox', { name: 'JSON' }).fill('{"purpose": "bicycles"}');
  await shot(page, 'fork');
  await fork.getByRole('button', { name: 'Fork the run' }).click();
  await page.waitForURL(url => !url.hash.includes(id));
  await page.getByRole('button', { name: /Needs input: Decision/ }).click();
  await page.locator('.question').getByText('trains').waitFor();
  await page.getByRole('tab', { name: 'Run', exact: true }).click();
  await page.getByRole('link', { name: `${id} behind #${asked}` }).waitFor();
  const forked = decodeURIComponent(/\/r\/([^?]+)/.exec(page.url())[1]);
  await post(from, `/events/${forked}`, { event: { type: 'Decision', value: { approved: true } } });
  await page.locator('.title .badge.is-completed').waitFor();
  await page.goto(`${from}/#/w/ask/r/${forked}?tab=state`);
  await page.getByTestId('state').getByText('bicycles').waitFor();
  assert.deepEqual([await ended(id, from), await ended(forked, from)].map(handler => handler.result.value.approved), [false, true]);
  await close();
  const refused = await open(`#/w/ask/r/${id}?tab=fork&seq=9999`, { from, quiet: true });
  await refused.page.getByRole('button', { name: 'Fork the run' }).click();
  await refused.page.getByTestId('fork').getByText(/ends with event \d+: choose an earlier one/).waitFor();
  await refused.close();
});

test('a completed handler goes on with what it kept, and is deleted from its page', async () => {
  const id = await start('walk', { steps: 2 });
  const { run_id: first } = await ended(id);
  const { page, close } = await open(`#/w/walk/r/${id}`);
  page.on('dialog', dialog => dialog.accept());
  await page.getByRole('button', { name: 'Continue…' }).click();
  const form = page.getByRole('form', { name: 'Start walk' });
  await form.getByText(`Goes on with what handler ${id} has kept.`).waitFor();
  await form.getByLabel(/^steps/i).fill('3');
  await form.getByRole('button', { name: 'Run' }).click();
  const second = await eventually(() => get(`/handlers/${id}`), handler => handler.run_id !== first && handler.status === 'completed');
  assert.deepEqual(second.result.value, { events: 3 });
  await page.locator('.node').filter({ hasText: 'walk' }).filter({ hasText: '×3' }).waitFor(); // the page has loaded itself again
  await page.getByRole('button', { name: 'Delete…' }).click();
  await page.waitForURL(url => url.hash === '#/w/walk');
  assert.equal((await fetch(`${base}/handlers/${id}`)).status, 404);
  await close();
});

test('a tab has one stream, however many runs it has looked at', async () => {
  const [left, right] = [await start('ask'), await start('ask')];
  const { page, close } = await open('#/w/ask');
  const streams = new Set();
  let opened = 0;
  page.on('request', request => {
    if (!request.url().includes('/ui/stream')) return;
    streams.add(request);
    opened++;
  });
  for (const over of ['requestfinished', 'requestfailed']) page.on(over, request => streams.delete(request));
  for (const hash of ['#/runs', `#/w/ask/r/${left}`, `#/w/ask/r/${left}?vs=${right}`, '#/inbox', `#/w/ask/r/${right}`]) {
    await page.goto(`${base}/${hash}`);
    await page.locator('#main').waitFor();
  }
  await page.getByRole('button', { name: /Needs input/ }).waitFor();
  assert.equal(await eventually(() => streams.size, size => size <= 1 && opened > 1), 1);
  await close();
});

test('JSON is checked while it is written, and kept when the form comes back', async () => {
  const { page, close } = await open('#/w/walk');
  await page.getByRole('button', { name: 'JSON', exact: true }).click();
  const editor = page.getByRole('textbox', { name: 'JSON' });
  await editor.fill('{"steps": "many"}');
  await page.locator('.cm-lint-marker-error').waitFor();
  await editor.fill('{"steps": 7');
  await page.locator('.cm-lint-marker-error').waitFor();
  await editor.fill('{"steps": 7, "pause_ms": 0}');
  await page.locator('.cm-lint-marker-error').waitFor({ state: 'detached' });
  await page.locator('.cm-matchingBracket').first().waitFor();
  await editor.fill('{"steps": 7, "pause_ms": 0}'); // typed in a marked bracket's place: nothing that the policy forbids
  await page.getByRole('button', { name: 'Form', exact: true }).click();
  await holds(page.getByLabel(/^steps/i), '7');
  await close();
});

test('a run is copied as code; the curl command starts it', async () => {
  const { page, context, close } = await open('#/w/walk');
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.getByLabel(/^steps/i).fill('3');
  await page.getByText('Copy as code').click();
  const copied = async name => {
    await page.getByRole('button', { name, exact: true }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    const text = await page.evaluate(() => navigator.clipboard.readText());
    await page.getByRole('button', { name: 'Copied' }).waitFor({ state: 'detached' });
    return text;
  };
  const { handler_id: id } = JSON.parse(execFileSync('sh', ['-c', await copied('curl')], { encoding: 'utf8' }));
  assert.deepEqual((await ended(id)).input.value, { steps: 3, pause_ms: 0 });
  assert.match(await copied('Python'), /run_workflow_nowait\("walk", start_event=\{"steps": 3/);
  assert.match(await copied('TypeScript'), /"steps": 3/);
  assert.match(await copied('C++'), /weir::Client/);
  await close();
});

test('the page works behind a path prefix, loads little, and all of it from there', async () => {
  const prefixed = await proxy(base, path => (path.startsWith('/tools/weir/') ? path.slice('/tools/weir'.length) : null));
  const { page, close } = await open('#/w/walk', { from: `${prefixed}/tools/weir` });
  await page.getByLabel(/^steps/i).fill('3');
  await page.getByRole('button', { name: 'Run' }).click();
  await page.locator('.title .badge.is-completed').waitFor();
  await page.getByText('live').waitFor();
  const loaded = await page.evaluate(() => performance.getEntriesByType('resource').filter(entry => /assets|icon/.test(entry.name)).map(entry => entry.encodedBodySize));
  const all = loaded.reduce((sum, size) => sum + size, 0);
  assert.ok(loaded.length >= 2 && all > 100_000 && all <= 220_000, `${loaded}`);
  await close();
});

test('who wants to be told is told when a run asks and the page is hidden', async () => {
  const { page, context, close } = await open('#/inbox');
  await context.grantPermissions(['notifications']);
  await page.addInitScript(() => {
    globalThis.told = [];
    globalThis.Notification = class {
      static permission = 'granted';
      static requestPermission = async () => 'granted';
      constructor(title, { body }) { globalThis.told.push(body); }
    };
    Object.defineProperty(document, 'hidden', { get: () => true });
  });
  await page.reload();
  await page.getByLabel(/tell me when a run asks/).check();
  await start('ask');
  assert.match((await eventually(() => page.evaluate(() => globalThis.told), told => told.length > 0, 45000))[0], /wait/); // a hidden page asks every 15 s
  await close();
});

test('on a read-only server everything is looked at and nothing offered that it refuses', async () => {
  const file = join(folder, 'looked_at.db');
  const before = await serve(['--store', `sqlite:${file}`]);
  const [done, asks] = [await start('walk', { steps: 2 }, before.base), await start('ask', {}, before.base)];
  await ended(done, before.base);
  await eventually(() => get(`/handlers/${asks}?detail=true`, before.base), handler => handler.waiting_for.length > 0);
  await before.stop();
  const { base: from } = await serve(['--store', `sqlite:${file}`, '--read-only']);
  const refused = await post(from, '/workflows/walk/run', {});
  assert.equal(refused.status, 403);
  assert.match((await refused.json()).detail, /read-only/);
  const { page, close } = await open('#/w/walk', { from });
  const offered = () => page.getByRole('button', { name: /^(Run|Run again|Continue|Fork here|Cancel|Delete|Answer|Needs input|Send|Use as input)/ }).count();
  await page.getByText('read-only').waitFor();
  await page.getByText('Starts with').waitFor(); // its schemas instead of a form
  assert.equal(await offered(), 0);
  await page.goto(`${from}/#/w/walk/r/${done}?tab=inspect&seq=1`);
  await page.getByTestId('inspector').waitFor();
  await page.getByRole('link', { name: 'Export' }).waitFor();
  assert.equal(await offered(), 0);
  assert.equal(await page.getByRole('tab', { name: 'Send event' }).count(), 0);
  await page.goto(`${from}/#/w/ask/r/${asks}`);
  await page.getByText('waits for Decision').waitFor();
  assert.equal(await offered(), 0);
  await page.goto(`${from}/#/inbox`);
  await page.locator('.inbox-item').filter({ hasText: asks }).waitFor();
  assert.equal(await offered(), 0);
  await page.goto(`${from}/#/runs`);
  await page.getByText('2 of 2 runs').waitFor();
  assert.equal(await offered(), 0);
  await close();
});

/** What LlamaIndex's server would be asked: its paths and parameters alone. */
function plainPath(path) {
  const { pathname, searchParams } = new URL(path, base);
  if (/^\/ui\/|^\/workflows\/[^/]+\/stats$|^\/handlers\/[^/]+\/(state|export|rerun)$/.test(pathname)) return null;
  const known = ['sse', 'include_internal', 'include_qualified_name', 'after_sequence', 'status', 'workflow_name', 'purge'];
  for (const name of [...searchParams.keys()]) if (!known.includes(name)) searchParams.delete(name);
  return `${pathname}?${searchParams}`;
}

test('the page works on a server without the additions: runs are started, followed, listed, searched and answered', async () => {
  const plain = await proxy(base, plainPath);
  const id = await start('ask', { purpose: 'plain paper' });
  const { page, close } = await open('#/w/walk', { from: plain, quiet: true });
  await page.getByLabel(/^steps/i).fill('5');
  await page.getByLabel(/^pause ms/i).fill('50');
  await page.getByRole('button', { name: 'Run' }).click();
  await page.locator('.title .badge.is-completed').waitFor();
  await page.locator('.node').filter({ hasText: 'walk' }).filter({ hasText: '×5' }).waitFor();
  assert.equal(await page.getByRole('tab', { name: 'State' }).count(), 0);
  assert.equal(await page.getByRole('link', { name: 'Export' }).count(), 0);
  await page.goto(`${plain}/#/runs?find=${id}`);
  await page.getByText('1 of 1 runs').waitFor();
  await page.goto(`${plain}/#/w/ask/r/${id}?tab=send`);
  await page.getByRole('combobox', { name: /^Event/ }).selectOption('Decision');
  await page.getByLabel(/^approved/i).check();
  await page.getByRole('button', { name: 'Send event' }).click();
  await page.locator('.title .badge.is-completed').waitFor();
  await page.goto(`${plain}/#/`);
  await page.locator('.card').filter({ hasText: 'walk' }).getByText(/completed/).waitFor();
  await close();
});
