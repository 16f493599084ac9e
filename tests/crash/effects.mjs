// run_once: what a run has recorded is what was last done. What was done but not recorded was in progress when its process died: one
// effect of a body for each death.
import { readFileSync } from 'node:fs';

const rootOf = handler => handler.split('.')[0];

/** The ledger by handler (children count to whose they are) and body: Map of "HANDLER BODY" to [{ process, name, nonce }]. */
export function effectsDone(ledger) {
  const done = new Map();
  for (const line of readFileSync(ledger, 'utf8').split('\n').filter(Boolean)) {
    const [process, , handler, body, name, nonce] = line.split(' '), key = `${rootOf(handler)} ${body}`;
    if (!done.has(key)) done.set(key, []);
    done.get(key).push({ process: Number(process), name, nonce });
  }
  return done;
}

/** What bodies say they have recorded, in order: [body, [{ name, nonce }]]. The last attempt counts. */
function effectsRecorded(log) {
  const recorded = new Map();
  for (const { event } of log) {
    const [, list] = /^nonces (.*)$/.exec(event.type === 'Note' ? event.value.text : '') ?? [];
    if (list === undefined) continue;
    recorded.set(event.value.chain.split('.')[0], list.split(',').filter(Boolean).map(entry => { const [name, nonce] = entry.split(':'); return { name, nonce }; }));
  }
  return [...recorded];
}

/** `inherited`: nonces that a fork may have from the run it was made of. */
export function judgeEffects(what, id, log, done, lastProcess, inherited = new Set()) {
  const problems = [];
  for (const [body, recorded] of effectsRecorded(log)) {
    const own = done.get(`${rootOf(id)} ${body}`) ?? [], [first, ...more] = judgeBody(own, recorded, lastProcess, inherited);
    const also = more.length ? `, and ${more.length} more` : '';
    if (first) problems.push(`${what}, body ${body}: ${first}${also}; done ${told(own)}; recorded ${recorded.map(({ name, nonce }) => `${name}:${nonce}`)}`);
  }
  return problems;
}
const told = done => done.map(({ process, name, nonce }) => `${name}:${nonce} in process ${process}`).join(', ') || 'nothing';

function judgeBody(done, recorded, lastProcess, inherited) {
  const problems = [], nonces = recorded.map(({ nonce }) => nonce);
  if (new Set(nonces).size !== nonces.length) problems.push('one result is recorded twice');
  let at = 0;
  while (at < nonces.length && inherited.has(nonces[at])) at++;
  for (const [i, effect] of done.entries()) {
    if (effect.nonce === nonces[at]) {
      if (effect.name !== recorded[at].name) problems.push(`effect ${effect.name} is recorded as ${recorded[at].name}`);
      at++;
    } else problems.push(...judgeUnrecorded(effect, done.slice(i + 1), recorded.slice(at), nonces, lastProcess));
  }
  if (at !== nonces.length) problems.push(`${nonces.length - at} recorded effects were not done`);
  return problems;
}

function judgeUnrecorded(effect, later, expected, nonces, lastProcess) {
  const name = `effect ${effect.name}:${effect.nonce}`;
  if (nonces.includes(effect.nonce)) return [`${name} was done out of order`];
  if (expected[0]?.name !== effect.name) return [`${name} was done although it was not its turn`];
  if (effect.process === lastProcess) return [`${name} is not recorded, and its process did not die`];
  if (later.some(({ process }) => process === effect.process)) return [`${name} is not recorded, and its process went on`];
  return [];
}
