// Every recorded answer of the Python server, asked again. What we answer otherwise on purpose is listed here, with the
// contract's reason; everything else must be equal, and nothing may be listed in vain.
import assert from 'node:assert';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { startServer } from './server.mjs';

const here = name => new URL(`../protocol/${name}`, import.meta.url).pathname;

const DECIDED_OTHERWISE = {
  'protocol#6': '1.1: a target in absolute form is that of the same path (RFC 9112, 3.2.2)',
  'handler-id#6': 'an id of more than 200 characters fits neither paths nor pages: 400 where it is chosen',
  'handler-id#14': 'an id with a slash can be addressed, as a%2Fb',
  'handler-id#7': '1.5: a handler_id that is no string is the client\'s mistake: 400',
  'handler-id#10': '1.5: a handler_id that is no string is the client\'s mistake: 400',
  'handler-id#11': '1.5: a handler_id that is no string is the client\'s mistake: 400',
  'handler-id#17': 'the sequence of events goes on over the runs of a handler, so that a cursor means the same for ever',
  'stream-finished#14': '1.9: default cursor auto, the first reader without a cursor gets everything',
  'send-event#5': '1.10: a body that is no object is the client\'s mistake: 400',
  'send-event#6': '1.10: a body that is no object is the client\'s mistake: 400',
  'send-event#7': '1.10: a body that is no object is the client\'s mistake: 400',
  'send-event#30': 'an extra key says that nothing has taken the event',
};
// 1.1: Allow on 405. 1.9: cache-control on streams, and behind which event they begin. 1.12: the page is our own, so it has another length.
const ADDED_HEADERS = new Set(['allow', 'cache-control', 'content-range', 'weir-after-sequence', 'weir-heartbeat-ms']);

function findings(output) {
  const found = [];
  for (const line of output.split('\n')) {
    const head = /^(DIFF|BYTES|HEADER|TEXT|NEW) (\S+)/.exec(line);
    if (head) found.push({ verdict: head[1], name: head[2], headers: {} });
    const side = /^ +(want|got) +(\{.*\})$/.exec(line);
    if (side && found.length) found.at(-1).headers[side[1]] ??= JSON.parse(side[2]);
  }
  return found;
}

test('all recorded protocol cases', { timeout: 240000 }, async () => {
  const { base } = await startServer(['--heartbeat', '2']);
  const run = promisify(execFile)(process.execPath, [here('replay.mjs'), 'replay', base, here('cases.json')], { maxBuffer: 1 << 26 });
  const { stdout } = await run.catch(error => error);
  const tally = JSON.parse(stdout.trim().split('\n').at(-1));
  assert.equal(tally.responses, JSON.parse(readFileSync(here('cases.json'))).length, 'every case was asked');

  const all = findings(stdout);
  const different = all.filter(f => ['DIFF', 'BYTES', 'NEW'].includes(f.verdict)).map(f => f.name);
  assert.deepEqual(different.sort(), Object.keys(DECIDED_OTHERWISE).sort());
  for (const { name, headers } of all.filter(f => f.verdict === 'HEADER')) {
    const { want, got } = headers;
    const changed = Object.keys({ ...want, ...got }).filter(key => want[key] !== got[key]);
    assert.deepEqual(changed.filter(key => !ADDED_HEADERS.has(key)), [], `headers of ${name}`);
  }
});
