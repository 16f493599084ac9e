// Weir's own debugger in headless Chromium against a real server: what people do with it, from a form to a comparison.
import assert from 'node:assert';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { base, counts, ended, folder, get, holds, open, position, serve, shot, standsAt, start } from './page.mjs';
import { built, eventually, post, startProgram } from './server.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

test('a run is started by a form with every kind of field, wrong values are told at the field', async () => {
  const { page, close } = await open('#/w/coffee');
  await page.getByTestId('graph').getByText('brew').waitFor();
  const form = page.getByRole('form', { name: 'Start coffee' });
  await form.getByRole('button', { name: 'Run' }).click();
  await form.locator('[data-path="customer"] .problem').first().waitFor();
  await form.getByLabel(/^customer/i).fill('Ada');
  await form.getByLabel(/^roast/i).selectOption('dark');
  await form.getByLabel(/^cups/i).fill('3');
  await form.getByRole('button', { name: 'Set a value for note' }).click();
  await form.getByLabel(/^note/i).fill('no sugar');
  await form.getByRole('button', { name: 'Add to items' }).click();
  await form.getByLabel(/^name/i).fill('cake');
  await form.getByRole('button', { name: 'Add to extras' }).click();
  await form.getByLabel(/^key1/i).fill('4');
  await form.locator('[data-path="address.street"] input').fill('Long Street 1');
  await form.getByLabel('Kind of payment').selectOption({ label: 'ByInvoice' });
  await form.locator('[data-path="payment.address.street"] input').fill('Other Street 2');
  await shot(page, 'form');
  await form.getByRole('button', { name: 'Run' }).click();
  await page.locator('.title .badge.is-completed').waitFor();
  const id = decodeURIComponent(/\/r\/([^?]+)/.exec(page.url())[1]);
  const { result } = await get(`/handlers/${id}`);
  const { order } = result.value;
  assert.deepEqual([order.customer, order.roast, order.cups, order.note, order.items, order.extras, order.address.street, order.payment.address.street],
    ['Ada', 'dark', 3, 'no sugar', [{ name: 'cake', amount: 1 }], { key1: 4 }, 'Long Street 1', 'Other Street 2']);
  await page.goto(`${base}/#/w/coffee`);
  await page.getByLabel('Earlier inputs').selectOption({ index: 1 });
  await holds(page.getByLabel(/^customer/i), 'Ada');
  await page.getByRole('button', { name: 'JSON', exact: true }).click();
  await page.locator('.json-editor').getByText('"no sugar"').waitFor();
  await close();
});

test('a run is watched live: workers, queue, loop, then replayed event by event in all views', async () => {
  const { page, close } = await open('#/w/fanout');
  await page.getByLabel(/^size/i).fill('90');
  await page.getByLabel(/^rounds/i).fill('2');
  await page.getByRole('button', { name: 'Run' }).click();
  await page.locator('.node').filter({ hasText: 'work' }).filter({ hasText: /[123] running/ }).waitFor();
  await page.locator('.title .badge.is-completed').waitFor();
  await page.locator('.node').filter({ hasText: 'work' }).filter({ hasText: '×180' }).waitFor();
  await page.getByRole('button', { name: 'End' }).waitFor();
  const total = Number((await position(page)).split('/')[1]);
  const outside = () => page.getByTestId('graph').evaluate(graph => {
    const pane = graph.getBoundingClientRect();
    return [...graph.querySelectorAll('.node')].filter(node => node.getBoundingClientRect().bottom > pane.bottom).length;
  });
  assert.equal(await eventually(outside, count => count === 0), 0); // the timeline has taken its place meanwhile
  await shot(page, 'run');
  await page.getByLabel('Replay position').fill('5');
  await standsAt(page, `5/${total}`);
  await page.waitForURL(/seq=4/);
  await counts(page.locator('.node').filter({ hasText: '×180' }), 0);
  await page.keyboard.press(']');
  await standsAt(page, `6/${total}`);
  await page.getByRole('tab', { name: 'Steps' }).click();
  await page.getByRole('tab', { name: 'State' }).click();
  await page.getByTestId('state').getByText('size').waitFor();
  await page.reload();
  await standsAt(page, `6/${total}`);
  await page.keyboard.press('l');
  await page.getByTestId('state').getByText('joined').waitFor();
  await page.getByLabel('critical path').check();
  await page.getByRole('tab', { name: 'Steps' }).click();
  await page.getByRole('button', { name: 'work', exact: true }).click();
  await counts(page.getByTestId('executions').locator('tbody tr'), 180);
  await close();
});

test('attempts, their errors and the next one are shown; a failure leads to its place', async () => {
  const waits = await start('patient');
  const { page, close } = await open(`#/w/patient/r/${waits}`);
  await page.getByText(/tries again in/).first().waitFor();
  await page.goto(`${base}/#/w/flaky`);
  await page.getByLabel(/^failures/i).fill('9');
  await page.getByRole('button', { name: 'Run' }).click();
  await page.locator('.title .badge.is-failed').waitFor();
  const panel = page.getByRole('alert', { name: 'Errors' });
  await panel.getByText('attempt 4 broke the cup').first().waitFor();
  await counts(panel.locator('.attempts li'), 4);
  await shot(page, 'failed');
  await panel.getByRole('button', { name: /go to event/ }).click();
  await page.waitForURL(/seq=\d+/);
  await page.getByRole('tab', { name: 'Inspect' }).click();
  await page.getByTestId('inspector').getByText('builtins.RuntimeError: attempt 4 broke the cup').or(page.getByTestId('inspector').getByText(/attempt 4 broke the cup/)).first().waitFor();
  await page.getByRole('tab', { name: 'Events' }).click();
  await page.getByRole('checkbox', { name: 'failed' }).check();
  await page.getByTestId('log-count').getByText(/^5 of /).waitFor();
  await close();
});

test('a waiting run says what it waits for and is answered, in place and from the inbox; other events can be sent', async () => {
  const id = await start('ask', { purpose: 'maps' });
  const { page, close } = await open(`#/w/ask/r/${id}`);
  await page.getByRole('button', { name: /Needs input: Decision/ }).click();
  await page.locator('.question').getByText('maps').waitFor();
  await eventually(() => page.title(), title => title === `(!) ${id} · Weir`);
  const event = page.getByRole('combobox', { name: /^Event/ });
  await event.waitFor();
  await shot(page, 'question');
  await event.selectOption('Remark');
  await page.getByLabel(/^text/i).fill('cheap');
  await page.getByLabel(/^To/i).selectOption('note');
  await page.getByRole('button', { name: 'Send event' }).click();
  await page.getByText('Remark was sent.').waitFor();
  await page.goto(`${base}/#/inbox`);
  await page.getByRole('link', { name: 'Inbox (1)' }).waitFor();
  const item = page.locator('.inbox-item').filter({ hasText: id });
  await item.getByRole('button', { name: 'Answer' }).click();
  await item.getByLabel(/^approved/i).check();
  await shot(page, 'inbox');
  await item.getByRole('button', { name: 'Send Decision' }).click();
  const { result } = await ended(id);
  assert.deepEqual(result.value, { approved: true, reviewer: 'Ada' });
  await page.getByText('Nothing waits for you.').waitFor();
  await page.goto(`${base}/#/w/ask/r/${id}?tab=state`);
  await page.getByTestId('state').getByText('cheap').waitFor();
  await close();
});

test('an answer carries what its question requires: a late one is not taken for the answer to the next question', async () => {
  const id = await start('board', { purpose: 'maps' });
  const asked = role => eventually(() => get(`/handlers/${id}?detail=true`), ({ waiting_for: [wanted] }) => wanted?.requirements?.role === role);
  await asked('manager');
  const { page, close } = await open('#/inbox');
  const item = page.locator('.inbox-item').filter({ hasText: id });
  await item.getByRole('button', { name: 'Answer' }).click();
  await holds(item.getByLabel(/^role/i), 'manager');
  await post(base, `/events/${id}`, { event: { type: 'Voted', value: { role: 'manager', agreed: true } } });
  await asked('director');
  await item.getByRole('button', { name: 'Send Voted' }).click();
  await asked('director');
  await item.getByText('nothing in the run has taken it').waitFor();
  await page.goto(`${base}/#/w/board/r/${id}?tab=send`);
  await holds(page.getByLabel(/^role/i), 'director');
  await page.getByRole('button', { name: 'Send event' }).click();
  const { result } = await ended(id);
  assert.equal(result.value.reviewer, 'manager, director');
  await close();
});

test('what nobody took is told where it was sent, listed with the run, and can be sent again', async () => {
  const id = await start('ask', { purpose: 'maps' });
  const { page, close } = await open(`#/w/ask/r/${id}?tab=send`);
  const event = page.getByRole('combobox', { name: /^Event/ });
  await event.waitFor();
  assert.equal(await page.getByTestId('unhandled').count(), 0);
  await event.selectOption('Booked');
  await page.getByLabel(/^reviewer/i).fill('Eve');
  await page.getByRole('button', { name: 'Send event' }).click();
  await page.getByText('Booked was sent, but nothing in the run has taken it.').waitFor();
  const panel = page.getByTestId('unhandled');
  await panel.getByText('1 event that nothing took').click();
  await panel.getByText('"reviewer":"Eve"').waitFor();
  await shot(page, 'unhandled');
  await panel.getByRole('button', { name: 'Send again…' }).click();
  await page.getByRole('button', { name: 'Send event' }).click();
  await panel.getByText('2 events that nothing took').waitFor();
  await close();
});

test('a run is cancelled, run again with edited input, and deleted; runs are found and ended many at a time', async () => {
  const id = await start('walk', { steps: 1000, pause_ms: 200 });
  const { page, close } = await open(`#/w/walk/r/${id}`);
  page.on('dialog', dialog => dialog.accept());
  await page.getByRole('button', { name: 'Cancel…' }).click();
  await page.getByRole('button', { name: 'Cancel the run' }).click();
  await page.locator('.title .badge.is-cancelled').waitFor();
  await page.getByRole('button', { name: 'Run again…' }).click();
  const form = page.getByRole('form', { name: 'Start walk' });
  await holds(form.getByLabel(/^steps/i), '1000');
  await form.getByLabel(/^steps/i).fill('2');
  await form.getByLabel(/^pause ms/i).fill('0');
  await form.getByRole('button', { name: 'Run' }).click();
  await page.waitForURL(url => !url.hash.includes(id));
  await page.locator('.title .badge.is-completed').waitFor();
  const many = await Promise.all(Array.from({ length: 3 }, () => start('walk', { steps: 1000, pause_ms: 500 })));
  await page.goto(`${base}/#/runs?wf=walk&status=running`);
  await page.getByText('3 of 3 runs').waitFor();
  await page.getByRole('button', { name: 'Choose all 3 loaded' }).click();
  await page.getByRole('button', { name: 'Cancel…' }).click();
  await page.getByText('3 of 3 runs cancelled.').waitFor();
  for (const handler of many) assert.equal((await ended(handler)).status, 'cancelled');
  await page.getByLabel('Search runs').fill(many[0]);
  await page.getByLabel('Status').selectOption('');
  await page.waitForURL(/find=/);
  await page.getByText('1 of 1 runs').waitFor();
  await page.getByLabel(`Choose ${many[0]}`).check();
  await page.getByRole('button', { name: 'Delete…' }).click();
  await page.getByText('1 of 1 runs deleted.').waitFor();
  await page.getByText('No run matches.').waitFor();
  await close();
});

test('two runs are compared: graphs, timelines, aligned events with their differences, also in any order', async () => {
  const [left, right] = [await start('fanout', { size: 6 }), await start('fanout', { size: 7 })];
  await Promise.all([ended(left), ended(right)]);
  const { page, close } = await open(`#/w/fanout/r/${left}?vs=${right}`);
  await page.getByTestId('summary').getByText(/on one side only/).waitFor();
  await counts(page.getByTestId('graph'), 2);
  await page.getByText('×6 → ×7').first().waitFor();
  await page.getByLabel('in any order').check();
  await page.waitForURL(/order=any/);
  await page.getByLabel('only differences').check();
  await page.keyboard.press('n');
  await page.locator('.pair.selected').waitFor();
  const [maps, books] = [await start('walk', { steps: 3 }), await start('walk', { steps: 4 })];
  await Promise.all([ended(maps), ended(books)]);
  await page.goto(`${base}/#/w/walk/r/${maps}?vs=${books}`);
  await page.locator('.pair.changed').last().click();
  const row = page.locator('tr').filter({ has: page.getByText('events', { exact: true }) });
  assert.deepEqual([await row.locator('.removed').innerText(), await row.locator('.added').innerText()], ['3', '4']);
  await shot(page, 'compare');
  await close();
});

test('a run is exported as one file and opened again without the server', async () => {
  const id = await start('walk', { steps: 3 });
  await ended(id);
  const { page, close } = await open(`#/w/walk/r/${id}`);
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Export' }).click()]);
  const file = join(folder, 'run.weir.json');
  await download.saveAs(file);
  await page.goto(`${base}/#/import`);
  await page.getByLabel('File').setInputFiles(file);
  await page.locator('.title').getByText(id).waitFor();
  await page.getByTestId('graph').getByText('walk', { exact: true }).first().waitFor();
  await page.getByRole('tab', { name: 'Run' }).click();
  await page.getByText('steps').first().waitFor();
  await page.getByRole('button', { name: 'Close' }).click();
  await page.getByLabel('File').setInputFiles({ name: 'x.json', mimeType: 'application/json', buffer: Buffer.from('{}') });
  await page.getByText('The file is no run that Weir has exported').waitFor();
  await close();
});

test('nodes that were moved stay, the theme is kept, help opens by a key', async () => {
  const { page, close } = await open('#/w/walk');
  const node = page.locator('.react-flow__node').filter({ hasText: 'walk' }).first();
  await node.waitFor();
  const place = () => node.evaluate(element => element.style.transform);
  const before = await place();
  const box = await node.boundingBox();
  await page.mouse.move(box.x + 30, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + 110, box.y + 80, { steps: 5 });
  await page.mouse.up();
  const moved = await place();
  assert.notEqual(moved, before);
  await page.getByLabel('Theme').selectOption('dark');
  await page.reload();
  await node.waitFor();
  assert.equal(await eventually(place, now => now === moved), moved);
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
  await page.getByRole('button', { name: 'Auto-layout' }).click();
  await eventually(place, now => now === before);
  await page.locator('h1').first().click();
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
  await page.keyboard.press('Escape');
  await close();
});

test('the palette opens what Enter was pressed for, also when the server answers later', async () => {
  const id = await start('walk', { steps: 1 });
  const { page, close } = await open('#/w/walk');
  await page.locator('.react-flow__node').first().waitFor();
  let answer;
  const answered = new Promise(resolve => (answer = resolve));
  await page.route(/\/(workflows|handlers)\?/, async route => {
    await answered;
    await route.continue();
  });
  const jump = page.getByRole('combobox', { name: 'Jump to' });
  await page.keyboard.press('Control+k');
  await jump.fill('fan');
  await page.keyboard.press('Enter');
  await page.getByText('Searching…').waitFor();
  answer();
  await page.waitForURL(/#\/w\/fanout/);
  await page.unroute(/\/(workflows|handlers)\?/);
  await page.keyboard.press('Control+k');
  await jump.fill(id);
  await page.keyboard.press('Enter');
  await page.waitForURL(new RegExp(`#/w/walk/r/${id}`));
  await page.keyboard.press('Control+k');
  await jump.fill('no such thing');
  await page.keyboard.press('Enter');
  await page.getByText('Nothing is called so.').waitFor();
  await close();
});

test('a server that is killed and started again is followed without a gap', async () => {
  const file = join(folder, 'killed.db');
  const first = await serve(['--store', `sqlite:${file}`], { survives: false });
  const port = new URL(first.base).port;
  const id = await start('walk', { steps: 40, pause_ms: 100 }, first.base);
  const { page, close } = await open(`#/w/walk/r/${id}`, { from: first.base, quiet: true });
  await page.locator('.title .badge.is-running').waitFor();
  await eventually(() => position(page), text => Number(text.split('/')[1]) > 5);
  first.process.kill('SIGKILL');
  await page.getByText(/reconnecting in/).waitFor();
  await first.ended; // its sockets are closed before its lock of the database is
  const second = await startProgram(built('weir-ui-test-server'), ['--port', port, '--store', `sqlite:${file}`]);
  await page.locator('.title .badge.is-completed').waitFor({ timeout: 60000 });
  const { last_sequence: last } = await get(`/handlers/${id}?detail=true`, second.base);
  await standsAt(page, `${last + 1}/${last + 1}`);
  await close();
});

test('an API key is asked for and used', async () => {
  const locked = await serve(['--api-key', 'secret']);
  const { page, close } = await open('', { from: locked.base, quiet: true });
  await page.getByRole('dialog', { name: 'API key' }).getByLabel(/^Key/i).fill('secret');
  await page.getByRole('button', { name: 'Use the key' }).click();
  await page.getByRole('link', { name: 'coffee' }).waitFor();
  await page.getByText('live').waitFor();
  await close();
});

test('10,000 events and 1,000 runs: opened, scrolled, searched and replayed without a stall, with few elements', async () => {
  for (let i = 0; i < 1000; i += 50) await Promise.all(Array.from({ length: 50 }, () => start('walk', { steps: 1 })));
  const id = await start('counter', { events: 10000 }); // after them: the memory store forgets the oldest of more than 1,000
  await ended(id);
  const { page, close } = await open('#/import');
  await page.evaluate(() => {
    globalThis.longest = 0;
    new PerformanceObserver(list => { for (const entry of list.getEntries()) globalThis.longest = Math.max(globalThis.longest, entry.duration); }).observe({ entryTypes: ['longtask'] });
  });
  const began = Date.now();
  await page.evaluate(hash => { location.hash = hash; }, `#/w/counter/r/${id}`);
  await page.getByText('10,001 of 10,00').first().waitFor();
  const opened = Date.now() - began;
  await page.getByRole('listbox', { name: 'Events' }).evaluate(element => { element.scrollTop = element.scrollHeight / 2; });
  await page.getByLabel('Search events').fill('needle');
  await page.getByText(/^104 of 10,00/).waitFor();
  for (const at of [100, 5000, 9000]) await page.getByLabel('Replay position').fill(String(at));
  const elements = await page.evaluate(() => document.querySelectorAll('*').length);
  await page.goto(`${base}/#/runs`);
  await page.getByText(/^100 of \d,?\d+ runs/).waitFor();
  await page.getByRole('region', { name: 'List of runs' }).evaluate(element => { element.scrollTop = element.scrollHeight; });
  await page.getByText(/^200 of \d,?\d+ runs/).waitFor();
  const rows = await page.evaluate(() => document.querySelectorAll('*').length);
  const longest = await page.evaluate(() => globalThis.longest);
  console.log(`opened in ${opened} ms, longest task ${longest.toFixed(0)} ms, ${elements} and ${rows} elements`);
  assert.ok(elements < 2000 && rows < 2000, `${elements} and ${rows} elements`);
  await shot(page, 'runs');
  await close();
});

test('axe finds nothing serious on any screen in both themes, and nothing is wider than a phone', async () => {
  const [asking, done, failed] = [await start('ask'), await start('fanout', { size: 4 }), await start('flaky', { failures: 9 })];
  await Promise.all([ended(done), ended(failed)]);
  const screens = ['', '#/runs', '#/inbox', '#/import', '#/w/coffee', `#/w/ask/r/${asking}?tab=send`, `#/w/fanout/r/${done}`, `#/w/flaky/r/${failed}?tab=steps`, '#/w/flaky?tab=statistics',
    `#/w/fanout/r/${done}?tab=inspect&seq=3`, `#/w/fanout/r/${done}?vs=${failed}`];
  const found = [];
  for (const theme of ['light', 'dark']) {
    const { page, close } = await open('', { theme });
    for (const screen of screens) {
      await page.goto(`${base}/${screen}`);
      await page.locator('#main').waitFor();
      await page.waitForLoadState('networkidle', { timeout: 500 }).catch(() => undefined); // the stream stays open
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] }));
      for (const { id, impact, nodes } of violations)
        if (impact === 'serious' || impact === 'critical') found.push(`${theme} ${screen}: ${id} ${nodes[0].html.slice(0, 150)} ${nodes[0].failureSummary}`);
    }
    await close();
  }
  assert.deepEqual(found, []);
  for (const width of [1280, 390]) {
    const { page, close } = await open('', { width });
    for (const screen of screens) {
      await page.goto(`${base}/${screen}`);
      await page.locator('#main').waitFor();
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= width, `${screen} is ${wide} pixels wide`);
    }
    await shot(page, `compare-${width}`);
    await close();
  }
});
