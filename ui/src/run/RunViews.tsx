// The four views of one sequence of events, at one cursor. The server is not needed: runs from a file are shown so too.
import { useEffect, useMemo, useState } from 'react';
import type { Graph } from '../api/types';
import { useShortcuts } from '../app/keyboard';
import { setQuery, useRoute } from '../app/router';
import { ErrorBoundary } from '../common/ErrorBoundary';
import { Tabs, type TabItem } from '../common/Tabs';
import { GraphView } from '../graph/GraphView';
import type { RunModel } from '../model/run';
import { statistics } from '../model/spans';
import { ErrorPanel } from './ErrorPanel';
import { EventLog } from './EventLog';
import { Inspector } from './Inspector';
import { ReplayBar } from './ReplayBar';
import { StepsTable } from './StepsTable';
import { Timeline } from './Timeline';
import { useCursor, type Cursor } from './useCursor';

export interface ExtraTab {
  id: string;
  label: string;
  badge?: string;
  onDemand?: boolean; // only there while it is open
  render: (cursor: Cursor) => React.ReactNode;
}

interface Props {
  workflow: string;
  handlerId: string;
  model: RunModel;
  version: number;
  running: boolean;
  error: string | null;
  graph: Graph | undefined;
  dark: boolean;
  extraTabs: ExtraTab[];
  useAsInput?: (value: unknown) => void;
  sendAgain?: (type: string, value: unknown) => void;
}

export function RunViews(props: Props) {
  const { workflow, model, version, running, graph, dark } = props;
  const { query } = useRoute();
  const cursor = useCursor(model, version);
  const tab = query.get('tab') ?? 'events';
  const step = query.get('step') ?? undefined;
  const choose = (next: string) => setQuery({ tab: next === 'events' ? undefined : next });
  const states = useMemo(() => model.statesAt(cursor.count), [model, version, cursor.count]);
  const means = useMemo(() => new Map(statistics(model.spans).map(row => [row.step, row.mean])), [model, version]);
  useShortcuts({
    '[': () => cursor.step(-1),
    ']': () => cursor.step(1),
    '{': () => cursor.stepInSameStep(-1),
    '}': () => cursor.stepInSameStep(1),
    Space: () => cursor.play(!cursor.playing),
    l: cursor.toLive,
    j: () => cursor.step(1),
    k: () => cursor.step(-1),
    '/': () => {
      choose('events');
      setTimeout(() => document.getElementById('event-search')?.focus(), 0);
    },
  });
  const tabs: TabItem<string>[] = [
    { id: 'events', label: 'Events' },
    { id: 'inspect', label: 'Inspect' },
    { id: 'steps', label: 'Steps' },
    ...props.extraTabs.filter(candidate => !candidate.onDemand || candidate.id === tab),
  ];
  const extra = props.extraTabs.find(candidate => candidate.id === tab);
  const at = cursor.count > 0 ? model.events[cursor.count - 1] : undefined;
  return (
    <>
      <div className="stage-body">
        <ErrorPanel model={model} version={version} error={props.error} cursor={cursor} />
        {graph && (
          <ErrorBoundary name="graph">
            <GraphView
              workflow={workflow}
              graph={graph}
              states={states}
              means={means}
              selected={step}
              onSelect={id => setQuery({ step: id, tab: id && tab === 'events' ? 'steps' : query.get('tab') ?? undefined })}
              dark={dark}
            />
          </ErrorBoundary>
        )}
        <ErrorBoundary name="timeline">
          <Timeline
            model={model}
            version={version}
            untilSequence={cursor.live ? Infinity : (cursor.sequence ?? -1)}
            cursorTime={cursor.live || !at ? null : at.at}
            running={running}
            onPick={span => setQuery({ seq: String(span.endSequence ?? span.startSequence), step: span.step, tab: 'inspect' })}
          />
        </ErrorBoundary>
        <ReplayBar model={model} cursor={cursor} ended={!running} />
      </div>
      <aside className="side" aria-label="Details of the run">
        <Tabs label="Details" tabs={tabs} current={tab} choose={choose} />
        <ErrorBoundary name={tab} key={tab}>
          {tab === 'events' && <EventLog model={model} version={version} cursor={cursor} live={running} />}
          {tab === 'inspect' && <Inspector model={model} cursor={cursor} handlerId={props.handlerId} useAsInput={props.useAsInput} sendAgain={props.sendAgain} />}
          {tab === 'steps' && <StepsTable model={model} version={version} cursor={cursor} selected={step} select={name => setQuery({ step: name })} />}
          {extra?.render(cursor)}
        </ErrorBoundary>
        <Announcer total={model.events.length} />
      </aside>
    </>
  );
}

/** Tells those who do not see the list grow, seldom. */
function Announcer({ total }: { total: number }) {
  const [said, setSaid] = useState({ total, text: '' });
  useEffect(() => {
    if (total === said.total) return;
    const timer = setTimeout(() => setSaid({ total, text: said.total === 0 ? `${total} events` : `${total - said.total} new events` }), 5000);
    return () => clearTimeout(timer);
  }, [total, said.total]);
  return (
    <p className="sr" aria-live="polite">
      {said.text}
    </p>
  );
}
