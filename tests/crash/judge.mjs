// What must hold of a run, and between an undisturbed execution and one that was disturbed. Each function returns sentences.
import { isTerminal } from './readers.mjs';

/** An event as two executions must have it: without times, traces, and which effect it was. */
function comparable({ event: { type, value } }) {
  const { elapsed_seconds, traceback, ...rest } = value;
  if (typeof rest.text === 'string') rest.text = rest.text.replace(/:\d+_\d+/g, '');
  return `${type} ${JSON.stringify(rest)}`;
}
const lines = log => log.map(comparable);
const chainOf = ({ event }) => (event.type === 'Note' ? event.value.chain : null);

/** Where two lists part. Empty: they are the same. */
function difference(what, expected, got) {
  let at = 0;
  while (at < expected.length && at < got.length && expected[at] === got[at]) at++;
  if (at === expected.length && at === got.length) return [];
  const shown = list => JSON.stringify(list.slice(at, at + 2).map(line => line.slice(0, 200)));
  return [`${what} differs at ${at} of ${expected.length}: undisturbed ${shown(expected)}, here ${shown(got)}`];
}
const same = (what, expected, got) => (JSON.stringify(expected) === JSON.stringify(got) ? []
  : [`${what} is ${JSON.stringify(got)}, undisturbed ${JSON.stringify(expected)}`]);
const sortedFields = object => Object.fromEntries(Object.entries(object ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)));
const byStates = states => ['', 'other'].map(name => sortedFields(states[name]));

/** Of every log: numbers rise, and one event ends it, when the run is over. */
export function judgeLog(what, id, log, row) {
  const problems = [];
  for (let i = 1; i < log.length; i++) if (log[i].sequence <= log[i - 1].sequence) problems.push(`${what}: event ${log[i].sequence} stands after ${log[i - 1].sequence}`);
  // A parent that forwards a child's stream has the child's stop event among its own.
  const ends = log.filter(entry => isTerminal(entry.event) && (entry.event.type !== 'ChildDone' || id.includes('.')));
  if (row.status === 'running') return ends.length ? [...problems, `${what}: is running and has ${ends[0].event.type}`] : problems;
  const expected = { completed: /^(StopEvent|ChildDone)$/, failed: /^Workflow(Failed|TimedOut)Event$/, cancelled: /^WorkflowCancelledEvent$/ }[row.status];
  if (ends.length !== 1) problems.push(`${what}: has ${ends.length} last events: ${ends.map(({ event }) => event.type)}`);
  else if (log.at(-1) !== ends[0]) problems.push(`${what}: goes on after ${ends[0].event.type} with ${log.at(-1).event.type}`);
  else if (!expected?.test(ends[0].event.type)) problems.push(`${what}: is ${row.status}, but ends with ${ends[0].event.type}`);
  return problems;
}

/** What somebody read over all ends of the server is what is stored. */
export function judgeReader(what, { reader, log }) {
  const problems = reader.problems.map(problem => `${what}, its reader: ${problem}`);
  if (!reader.finished) return problems;
  return [...problems, ...difference(`${what}: what its reader saw`, log.map(entry => JSON.stringify(entry)), reader.frames.map(entry => JSON.stringify(entry)))];
}

/** Nothing shows before what caused it is over. */
export function judgeOrder(what, { after }, log) {
  const first = new Map(), last = new Map();
  log.forEach((entry, i) => {
    const chain = chainOf(entry)?.split('.')[0];
    if (!chain) return;
    if (!first.has(chain)) first.set(chain, i);
    last.set(chain, i);
  });
  return after.filter(([later, earlier]) => first.get(String(later)) < last.get(String(earlier)))
    .map(([later, earlier]) => `${what}: body ${later} shows something before body ${earlier} is over, which caused it`);
}

/** The same result, stream, states and children. */
export function judgeSame(what, { serial }, undisturbed, got) {
  if (undisturbed.row.status !== got.row.status) return [`${what}: is ${got.row.status} (${got.row.error}), undisturbed ${undisturbed.row.status}`];
  // A failure ends what goes on beside it, wherever that is.
  if (!serial && got.row.status === 'failed') return [];
  const expected = lines(undisturbed.log), here = lines(got.log);
  const problems = [...same('the result', undisturbed.row.result, got.row.result),
    ...(serial ? difference('the stream', expected, here) : difference('the stream, sorted,', expected.sort(), here.sort())),
    ...judgeChains(undisturbed.log, got.log), ...same('the state', byStates(undisturbed.state), byStates(got.state)), ...judgeChildren(undisturbed, got)];
  return problems.map(problem => `${what}: ${problem}`);
}
function chains(log) {
  const out = new Map();
  for (const entry of log) if (chainOf(entry)) out.set(chainOf(entry), [...(out.get(chainOf(entry)) ?? []), comparable(entry)]);
  return out;
}
function judgeChains(expected, got) {
  const here = chains(got);
  return [...chains(expected)].flatMap(([chain, entries]) => difference(`what body ${chain} shows`, entries, here.get(chain) ?? []));
}
function judgeChildren(undisturbed, got) {
  const told = ({ children = [] }) => children.map(({ row, log }) => `${row.status} ${lines(log).join('|')}`).sort();
  return difference('the list of children', told(undisturbed), told(got));
}

/** A fork ends as its run did, with the same state, and shows a part of what that showed: of a serial program, the last part. */
export function judgeFork(what, { serial }, original, fork) {
  if (original.row.status !== fork.row.status) return [`${what} is ${original.row.status}, its fork ${fork.id} at ${fork.at} ${fork.row.status} (${fork.row.error})`];
  // Its questions are answered without counting.
  const told = log => lines(log).map(line => line.replace(/("text":"got \S+) \d+"/, '$1"'));
  const expected = told(original.log), here = told(fork.log);
  const problems = [...same('the result of its fork', original.row.result, fork.row.result),
    ...same('the state of its fork', byStates(original.state), byStates(fork.state)),
    ...(serial ? difference('the stream of its fork', expected.slice(-here.length), here) : surplus(expected, here))];
  return problems.map(problem => `${what}, forked at ${fork.at} as ${fork.id}: ${problem}`);
}
function surplus(expected, here) {
  const left = new Map();
  for (const line of expected) left.set(line, (left.get(line) ?? 0) + 1);
  const more = here.filter(line => { left.set(line, (left.get(line) ?? 0) - 1); return left.get(line) < 0; });
  return more.length ? [`its fork shows more often than itself: ${JSON.stringify(more.slice(0, 2)).slice(0, 400)}`] : [];
}

/** Whoever was told to come again was told so in the right way. It may happen in every mode: a disk that is slow counts as failing. */
export function judgeRefusals(refusals) {
  const wrong = refusals.filter(({ status, retryAfter }) => status !== 503 || !(Number(retryAfter) > 0));
  const groups = new Map();
  for (const { method, path, status, retryAfter, text } of wrong) {
    const key = `${method} ${path.replace(/\d+/g, 'N').replace(/\/(events|handlers)\/[^/?]+/, '/$1/ID')} ${status} Retry-After ${retryAfter}`;
    groups.set(key, { text, count: (groups.get(key)?.count ?? 0) + 1 });
  }
  return [...groups].map(([key, { text, count }]) => `${count} times ${key}: ${text.slice(0, 160)}`);
}
