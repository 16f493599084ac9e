// Two runs of a workflow side by side: what each step did, when, and which events differ in what.
import { useMemo, useRef, useState } from 'react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useGraph } from '../api/queries';
import { useShortcuts } from '../app/keyboard';
import { href, runPath, setQuery, useRoute } from '../app/router';
import { DifferenceTable } from '../common/DifferenceTable';
import { Empty, Loading } from '../common/Notice';
import { count, duration, preview } from '../common/format';
import { GraphView } from '../graph/GraphView';
import { align, alignedMax, type Pair } from '../model/diff';
import { stepChange, type RunEvent } from '../model/event';
import { statistics } from '../model/spans';
import type { RunModel } from '../model/run';
import { useRun } from '../run/useRun';
import { Timeline } from '../run/Timeline';

const rowHeight = 34;

function nameOf(event: RunEvent): string {
  const step = stepChange(event);
  return step ? `${step.name} ended` : event.type;
}

const isDifferent = (pair: Pair) => !pair.left || !pair.right || pair.differences.length > 0;

function summary(pairs: Pair[]): string {
  const first = pairs.findIndex(isDifferent);
  if (first < 0) return 'Both runs show the same events with the same payloads.';
  const { left, right } = pairs[first];
  const where = left && right ? `${nameOf(left)} differs` : `${nameOf((left ?? right)!)} is only ${left ? 'left' : 'right'}`;
  const lonely = pairs.filter(pair => !pair.left || !pair.right).length;
  const changed = pairs.filter(pair => pair.left && pair.right && pair.differences.length > 0).length;
  const sameUntil = first > 0 ? `The same for ${first} events, then` : 'From the first event on:';
  return `${sameUntil} ${where}. ${count(changed)} with another payload, ${count(lonely)} on one side only.`;
}

function deltas(left: RunModel, right: RunModel): Map<string, string> {
  const out = new Map<string, string>();
  const [a, b] = [left, right].map(model => new Map(statistics(model.spans).map(row => [row.step, row])));
  for (const step of new Set([...a.keys(), ...b.keys()])) {
    const [mine, other] = [a.get(step), b.get(step)];
    if (!mine || !other) out.set(step, mine ? 'only left' : 'only right');
    else if (mine.count !== other.count || Math.abs(mine.mean - other.mean) >= 1)
      out.set(step, `×${mine.count} → ×${other.count}, ø ${duration(mine.mean)} → ${duration(other.mean)}`);
  }
  return out;
}

interface Props {
  workflow: string;
  left: string;
  right: string;
  dark: boolean;
}

export function ComparePage({ workflow, left, right, dark }: Props) {
  const { query } = useRoute();
  const anyOrder = query.get('order') === 'any';
  const [a, b] = [useRun(left), useRun(right)];
  const graph = useGraph(workflow);
  const [at, setAt] = useState(-1);
  const [onlyDifferent, setOnlyDifferent] = useState(false);
  const pairs = useMemo(() => align(a.model.events, b.model.events, anyOrder), [a.model, a.version, b.model, b.version, anyOrder]);
  const rows = useMemo(() => (onlyDifferent ? pairs.filter(isDifferent) : pairs), [pairs, onlyDifferent]);
  const nodeDeltas = useMemo(() => deltas(a.model, b.model), [a.model, a.version, b.model, b.version]);
  const box = useRef<HTMLDivElement>(null);
  const list = useVirtualizer({ count: rows.length, getScrollElement: () => box.current, estimateSize: () => rowHeight, overscan: 10 });
  const jump = (by: 1 | -1) => {
    for (let i = at + by; i >= 0 && i < rows.length; i += by)
      if (isDifferent(rows[i])) {
        setAt(i);
        list.scrollToIndex(i, { align: 'center' });
        return;
      }
  };
  useShortcuts({ n: () => jump(1), p: () => jump(-1) });
  const missing = [a, b].findIndex(run => run.state === 'missing');
  if (missing >= 0)
    return (
      <main className="page" id="main">
        <Empty>
          There is no run {missing === 0 ? left : right}. <a href={href(['runs'])}>Choose another</a>.
        </Empty>
      </main>
    );
  if (a.state === 'loading' || b.state === 'loading') return <Loading what="both runs" />;
  const chosen = rows[at];
  const long = Math.max(a.model.events.length, b.model.events.length) > alignedMax;
  return (
    <main className="compare" id="main">
      <div className="title">
        <h1>
          <a href={href(runPath(workflow, left))}>{left}</a> and <a href={href(runPath(workflow, right))}>{right}</a>
        </h1>
        <span className="grow" />
        <a className="button" href={href(runPath(workflow, right), { vs: left })}>
          Swap
        </a>
        <a className="button" href={href(runPath(workflow, left))}>
          Close
        </a>
      </div>
      <p className="notice" role="status" data-testid="summary">
        {summary(pairs)}
        {long && ` Only the first ${count(alignedMax)} events are aligned.`}
      </p>
      <div className="compare-graphs">
        {graph.data &&
          [a, b].map((run, index) => (
            <section key={index} aria-label={index === 0 ? 'Left run' : 'Right run'}>
              <GraphView workflow={workflow} graph={graph.data} states={run.model.statesAt(run.model.events.length)} deltas={nodeDeltas} dark={dark} />
              <Timeline model={run.model} version={run.version} untilSequence={Infinity} cursorTime={null} running={false} onPick={() => undefined} />
            </section>
          ))}
      </div>
      <div className="bar">
        <label>
          <input type="checkbox" checked={anyOrder} onChange={event => setQuery({ order: event.target.checked ? 'any' : undefined })} /> in any order (fan-outs)
        </label>
        <label>
          <input type="checkbox" checked={onlyDifferent} onChange={event => setOnlyDifferent(event.target.checked)} /> only differences
        </label>
        <button onClick={() => jump(-1)}>Previous difference</button>
        <button onClick={() => jump(1)}>Next difference</button>
      </div>
      <div className="rows compare-rows" ref={box} tabIndex={0} role="region" aria-label="Aligned events">
        <div style={{ height: list.getTotalSize(), position: 'relative' }}>
          {list.getVirtualItems().map(item => {
            const pair = rows[item.index];
            const how = !pair.left ? 'only-right' : !pair.right ? 'only-left' : pair.differences.length > 0 ? 'changed' : '';
            return (
              <button key={item.key} className={`row pair ${how} ${item.index === at ? 'selected' : ''}`} style={{ height: rowHeight, transform: `translateY(${item.start}px)` }} onClick={() => setAt(item.index)}>
                <Side event={pair.left} />
                <Side event={pair.right} />
                <span className="muted cut">{pair.differences.length > 0 ? pair.differences.map(found => found.path).join(', ') : how.replace('-', ' ')}</span>
              </button>
            );
          })}
        </div>
      </div>
      {chosen && chosen.left && chosen.right && <DifferenceTable differences={chosen.differences} left={`${left} #${chosen.left.sequence}`} right={`${right} #${chosen.right.sequence}`} />}
    </main>
  );
}

function Side({ event }: { event: Pair['left'] }) {
  if (!event) return <span className="muted">—</span>;
  const step = stepChange(event);
  return (
    <span className="cut">
      <span className="muted">#{event.sequence}</span> <b>{nameOf(event)}</b> {preview(step ? { took: step.input, returned: step.output } : event.value, 60)}
    </span>
  );
}
