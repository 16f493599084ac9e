// A run on the server: followed live, acted on.
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import { useConfig, useGraph, useHandler, useMayAct } from '../api/queries';
import type { HandlerDetail } from '../api/types';
import { useShortcuts } from '../app/keyboard';
import { go, href, runPath, setQuery } from '../app/router';
import { Fact } from '../common/Fact';
import { JsonTree } from '../common/JsonTree';
import { Empty, Failed, Loading } from '../common/Notice';
import { dateTime } from '../common/format';
import { Question } from '../people/Question';
import { SendEvent } from '../people/SendEvent';
import { RunsSidebar } from '../runs/RunsSidebar';
import { StartForm } from '../workflows/StartForm';
import { ForkForm } from './ForkForm';
import { RunHeader } from './RunHeader';
import { RunViews, type ExtraTab } from './RunViews';
import { StatePanel } from './StatePanel';
import { UnhandledPanel } from './UnhandledPanel';
import { useRun } from './useRun';

interface Props {
  workflow: string;
  handlerId: string;
  dark: boolean;
}

export function RunPage({ workflow, handlerId, dark }: Props) {
  const client = useQueryClient();
  const run = useRun(handlerId);
  const handler = useHandler(handlerId);
  const config = useConfig();
  const can = config.data?.capabilities ?? [];
  const mayAct = useMayAct();
  const graph = useGraph(handler.data?.workflow_name ?? workflow);
  const [cancelAsked, askCancel] = useState(false);
  const [input, setInput] = useState<unknown>();
  const [again, setAgain] = useState<'anew' | 'continue'>('anew');
  const [event, setEvent] = useState<{ type: string; value: unknown } | undefined>();
  const data = handler.data;
  const running = data?.status === 'running';

  useEffect(() => {
    setInput(undefined);
    setEvent(undefined);
    askCancel(false);
  }, [handlerId]);
  // What happens in the run may change how it stands: ask again when it ends.
  useEffect(() => {
    if (run.state === 'ended') void client.invalidateQueries({ queryKey: ['handler', handlerId] });
  }, [run.state, handlerId, client]);
  useEffect(() => {
    document.title = `${data && data.waiting_for.length > 0 && running ? '(!) ' : ''}${handlerId} · Weir`;
    return () => void (document.title = 'Weir');
  }, [data, running, handlerId]);

  const rerun = (how: 'anew' | 'continue', value?: unknown) => {
    setAgain(how);
    setInput(value ?? data?.input?.value);
    setQuery({ tab: 'again' });
  };
  const sendAgain = (type: string, value: unknown) => {
    setEvent({ type, value });
    setQuery({ tab: 'send' });
  };
  useShortcuts({
    r: () => (mayAct ? rerun('anew') : false),
    s: () => (mayAct ? setQuery({ tab: 'send' }) : false),
    x: () => (mayAct && running ? askCancel(true) : false),
    c: () => document.querySelector<HTMLElement>('.run-compare')?.focus(),
  });
  const extraTabs = useMemo<ExtraTab[]>(() => {
    if (!data) return [];
    const state: ExtraTab = { id: 'state', label: 'State', render: cursor => <StatePanel handlerId={handlerId} sequence={cursor.sequence} /> };
    const looked = [...(can.includes('state') ? [state] : []), { id: 'run', label: 'Run', render: () => <RunFacts handler={data} /> }];
    if (!mayAct) return looked;
    return [
      ...looked,
      {
        id: 'send',
        label: 'Send event',
        badge: running && data.waiting_for.length > 0 ? '!' : undefined,
        render: () => (
          <>
            {data.question && running && <Question event={data.question} />}
            <SendEvent handler={data} question={data.question} given={event} />
          </>
        ),
      },
      {
        id: 'fork',
        label: 'Fork',
        onDemand: true,
        render: cursor => <ForkForm handler={data} sequence={cursor.sequence} onForked={id => go(runPath(data.workflow_name, id))} />,
      },
      {
        id: 'again',
        label: 'Run again',
        onDemand: true,
        render: () => (
          <StartForm
            key={`${handlerId}.${again}`}
            workflow={data.workflow_name}
            input={input}
            handlerId={again === 'continue' ? handlerId : undefined}
            onStarted={id => {
              if (id === handlerId) location.reload();
              else go(runPath(data.workflow_name, id));
            }}
          />
        ),
      },
    ];
  }, [data, handlerId, running, event, again, input, can, mayAct]);

  if (handler.isError || run.state === 'missing')
    return (
      <main className="page" id="main">
        <Failed what={`Run ${handlerId}`} error={handler.error ?? new Error('There is no such handler')} retry={() => void handler.refetch()} />
        <Empty>
          It may have been deleted. <a href={href(['w', workflow])}>See the runs of {workflow}</a>, or <a href={href(['import'])}>open an exported run</a>.
        </Empty>
      </main>
    );
  if (!data || config.isPending) return <Loading what="the run" />; // no button moves when it is known what the server can
  return (
    <div className="workspace">
      <RunsSidebar workflow={data.workflow_name} open={handlerId} />
      <main className="stage" id="main">
        <RunHeader handler={data} mayAct={mayAct} onRerun={() => rerun('anew')} onContinue={() => rerun('continue')} canExport={can.includes('export')} onFork={mayAct && can.includes('fork') ? () => setQuery({ tab: 'fork' }) : undefined} onAnswer={() => setQuery({ tab: 'send' })} cancelAsked={cancelAsked} askCancel={askCancel} />
        <UnhandledPanel handler={data} sendAgain={mayAct && running ? sendAgain : undefined} />
        {run.state === 'loading' && <Loading what="the events" />}
        <RunViews
          workflow={data.workflow_name}
          handlerId={handlerId}
          model={run.model}
          version={run.version}
          running={running}
          error={data.error}
          graph={graph.data}
          dark={dark}
          extraTabs={extraTabs}
          useAsInput={mayAct ? value => rerun('anew', value) : undefined}
          sendAgain={mayAct ? sendAgain : undefined}
        />
      </main>
    </div>
  );
}

function RunFacts({ handler }: { handler: HandlerDetail }) {
  return (
    <div className="panel-body" data-testid="run-facts">
      <dl className="facts">
        <Fact name="Handler">{handler.handler_id}</Fact>
        <Fact name="Run">{handler.run_id}</Fact>
        <Fact name="Started">{dateTime(handler.started_at)}</Fact>
        {handler.completed_at && <Fact name="Ended">{dateTime(handler.completed_at)}</Fact>}
        {handler.wake_at && <Fact name="Goes on at">{dateTime(handler.wake_at)}</Fact>}
        {handler.current_steps.length > 0 && <Fact name="At work">{handler.current_steps.join(', ')}</Fact>}
        {handler.rerun_of && (
          <Fact name={handler.rerun_after === null ? 'Run again from' : 'Fork of'}>
            <a href={href(runPath(handler.workflow_name, handler.rerun_of), { seq: handler.rerun_after === null ? undefined : String(handler.rerun_after) })}>
              {handler.rerun_of}
              {handler.rerun_after !== null && ` behind #${handler.rerun_after}`}
            </a>
          </Fact>
        )}
        {handler.parent_handler_id && <Fact name="Child of">{handler.parent_handler_id}</Fact>}
        {handler.workflow_version && <Fact name="Version">{handler.workflow_version}</Fact>}
      </dl>
      <h3>Input</h3>
      {handler.input ? <JsonTree value={handler.input.value} /> : <p className="muted">The start event is not known.</p>}
      <h3>Result</h3>
      {handler.result ? <JsonTree value={handler.result.value} /> : <p className="muted">{handler.status === 'running' ? 'Not yet.' : 'None.'}</p>}
      {handler.error && (
        <>
          <h3>Error</h3>
          <pre className="error-text">{handler.error}</pre>
        </>
      )}
    </div>
  );
}
