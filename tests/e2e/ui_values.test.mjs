// The debugger and what browsers make harder than it looks: names with any character, numbers beyond 2^53, runs that nobody goes on with.
import assert from 'node:assert';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { base, ended, folder, get, holds, open, serve, shot } from './page.mjs';
import { eventually, post } from './server.mjs';

const odd = "odd/name, 50%2F 'so'?#&";
const text = (path, from = base) => fetch(from + path).then(response => response.text());

test('a workflow and a run whose names hold every character of a URL are found from every page', async () => {
  const id = "h/%2F 'x'?#&,";
  const path = `${encodeURIComponent(odd)}/run-nowait`;
  await post(base, `/workflows/${path}`, { handler_id: id, start_event: { steps: 3 } });
  const { page, close } = await open('');
  await page.getByRole('link', { name: odd, exact: true }).click();
  await page.getByTestId('graph').getByText('begin').waitFor();
  await page.getByLabel(/^steps/i).fill('2');
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await page.locator('.title .badge.is-completed').waitFor();
  await page.reload();
  await page.locator('.title .badge.is-completed').waitFor();
  await page.goto(`${base}/#/runs`);
  await page.getByLabel('Workflow').selectOption(odd);
  await page.getByText('2 of 2 runs').waitFor();
  await page.getByRole('link', { name: id, exact: true }).click();
  await page.locator('.title .badge.is-completed').waitFor();
  await page.locator('.node').filter({ hasText: 'walk' }).filter({ hasText: '×3' }).waitFor();
  await page.reload();
  await page.locator('.title .run-id').getByText(id).waitFor();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Export' }).click()]);
  await download.saveAs(join(folder, 'odd.weir.json'));
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Jump to' }).fill("'so'");
  await page.keyboard.press('Enter');
  await page.getByRole('form', { name: `Start ${odd}` }).waitFor();
  await close();
});

test('a link that was cut or typed by hand shows what it names, not an empty page', async () => {
  const { page, close } = await open('#/w/100%', { quiet: true });
  await page.getByRole('heading', { name: '100%', exact: true }).waitFor();
  await page.goto(`${base}/#/w/walk/r/%E4%A`);
  await page.getByText(/See the runs of walk/).waitFor();
  await page.goto(`${base}/#/no/such/place%`);
  await page.getByText('There is no such page.').waitFor();
  await close();
});

test('whole numbers beyond 2^53 are shown, edited, copied and sent back with all their digits', async () => {
  const [big, low] = ['18446744073709551615', '-9223372036854775808'];
  const { page, context, close } = await open('#/w/exact');
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await holds(page.getByLabel(/^big/i), big);
  await holds(page.getByLabel(/^low/i), low);
  await page.getByLabel(/^big/i).fill('18446744073709551614');
  await page.getByRole('button', { name: 'JSON', exact: true }).click();
  const editor = page.getByRole('textbox', { name: 'JSON' });
  await editor.getByText('18446744073709551614').waitFor();
  await editor.fill(`{"big": ${big}, "low": ${low}, "any": {"n": [9007199254740993, 1.5, "9007199254740993"]}}`);
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await page.locator('.title .badge.is-completed').waitFor();
  const id = decodeURIComponent(/\/r\/([^?]+)/.exec(page.url())[1]);
  const kept = `{"big":${big},"low":${low},"any":{"n":[9007199254740993,1.5,"9007199254740993"]}}`;
  assert.ok((await text(`/handlers/${id}`)).includes(`"value":${kept}`));
  await page.getByRole('tab', { name: 'Run', exact: true }).click();
  await page.getByTestId('run-facts').getByText(big).first().waitFor();
  await page.getByTestId('run-facts').getByText(/9007199254740993/).first().waitFor();
  await page.getByRole('button', { name: 'Run again…' }).click();
  await holds(page.getByRole('form', { name: 'Start exact' }).getByLabel(/^big/i), big);
  await page.getByText('Copy as code').click();
  await page.getByRole('button', { name: 'curl', exact: true }).last().click();
  const command = await page.evaluate(() => navigator.clipboard.readText());
  const again = JSON.parse(execFileSync('sh', ['-c', command], { encoding: 'utf8' })).handler_id;
  await ended(again);
  assert.ok((await text(`/handlers/${again}`)).includes(`"value":${kept}`));
  await page.goto(`${base}/#/w/exact`);
  await page.getByLabel('Earlier inputs').selectOption({ index: 1 });
  await holds(page.getByLabel(/^big/i), big);
  await close();
});

test('a run that was quarantined says so, is found by that, and is resumed from its page', async () => {
  const file = join(folder, 'aside.db');
  const first = await serve(['--store', `sqlite:${file}`], { survives: false });
  await post(first.base, '/workflows/walk/run-nowait', { handler_id: 'aside', start_event: { steps: 3, pause_ms: 1000 } });
  await eventually(() => get('/handlers/aside?detail=true', first.base), handler => handler.last_sequence > 3);
  first.process.kill('SIGKILL');
  await first.ended;
  execFileSync('sqlite3', [file, "UPDATE handlers SET quarantined = 1, resumes = 3, idle_since = NULL, wake_at = NULL WHERE handler_id = 'aside'"]);
  const { base: from } = await serve(['--store', `sqlite:${file}`]);
  const { page, close } = await open('#/', { from });
  await page.locator('.card').filter({ hasText: 'walk' }).getByRole('link', { name: '1 quarantined' }).click();
  await page.getByText('1 of 1 runs').waitFor();
  await page.locator('.badge.is-quarantined').getByText('quarantined').waitFor();
  await page.getByLabel('Status').selectOption('waiting');
  await page.getByText('No run matches.').waitFor();
  await page.getByLabel('Status').selectOption('quarantined');
  await page.getByRole('link', { name: 'aside', exact: true }).click();
  await page.locator('.title .badge.is-quarantined').waitFor();
  await page.getByText('The server died three times in a row while it was at work').waitFor();
  await shot(page, 'aside');
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.locator('.title .badge.is-completed').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Resume' }).count(), 0);
  assert.deepEqual((await get('/handlers/aside', from)).result.value, { events: 3 });
  await close();
});
