// A workflow before any run: its graph, its schemas, and the form that starts it.
import { useState } from 'react';
import { useConfig, useEventSchemas, useGraph, useMayAct, useSchema } from '../api/queries';
import type { GraphNode } from '../api/types';
import { go, runPath, setQuery, useRoute } from '../app/router';
import { ErrorBoundary } from '../common/ErrorBoundary';
import { JsonTree } from '../common/JsonTree';
import { Failed, Loading } from '../common/Notice';
import { Tabs } from '../common/Tabs';
import { GraphView } from '../graph/GraphView';
import { RunsSidebar } from '../runs/RunsSidebar';
import { StartForm } from './StartForm';
import { Statistics } from './Statistics';

type Tab = 'start' | 'schemas' | 'statistics' | 'node';

export function WorkflowPage({ workflow, dark }: { workflow: string; dark: boolean }) {
  const { query } = useRoute();
  const graph = useGraph(workflow);
  const config = useConfig();
  const can = config.data?.capabilities ?? [];
  const mayAct = useMayAct();
  const [node, setNode] = useState<string | undefined>();
  const chosen = graph.data?.nodes.find(candidate => candidate.id === node);
  const first: Tab = config.data?.read_only ? 'schemas' : 'start';
  const tab = (query.get('tab') ?? first) as Tab;
  return (
    <div className="workspace">
      <RunsSidebar workflow={workflow} />
      <main className="stage" id="main">
        <div className="title">
          <h1>{workflow}</h1>
          {graph.data?.description && <span className="muted">{graph.data.description}</span>}
        </div>
        {graph.isError && <Failed what="This server shows no graph of the workflow" error={graph.error} />}
        {graph.isLoading && <Loading what="the graph" />}
        {graph.data && (
          <ErrorBoundary name="graph">
            <GraphView
              workflow={workflow}
              graph={graph.data}
              dark={dark}
              selected={node}
              onSelect={id => {
                setNode(id);
                setQuery({ tab: id ? 'node' : undefined });
              }}
            />
          </ErrorBoundary>
        )}
      </main>
      <aside className="side" aria-label="Start and schemas">
        <Tabs<Tab>
          label="Workflow"
          current={tab}
          choose={next => setQuery({ tab: next === first ? undefined : next })}
          tabs={[
            ...(first === 'start' ? [{ id: 'start' as const, label: 'Start a run' }] : []),
            { id: 'schemas', label: 'Schemas' },
            ...(can.includes('statistics') ? [{ id: 'statistics' as const, label: 'Statistics' }] : []),
            { id: 'node', label: 'Node' },
          ]}
        />
        {tab === 'start' && mayAct && <StartForm key={workflow} workflow={workflow} onStarted={id => go(runPath(workflow, id))} />}
        {tab === 'schemas' && <Schemas workflow={workflow} />}
        {tab === 'statistics' && <Statistics workflow={workflow} />}
        {tab === 'node' && (chosen ? <NodeFacts node={chosen} /> : <p className="notice empty">Choose a node of the graph.</p>)}
      </aside>
    </div>
  );
}

function Schemas({ workflow }: { workflow: string }) {
  const schema = useSchema(workflow);
  const events = useEventSchemas(workflow);
  if (!schema.data || !events.data) return <Loading what="the schemas" />;
  return (
    <div className="panel-body">
      <h3>Starts with</h3>
      <JsonTree value={schema.data.start} />
      <h3>Ends with</h3>
      <JsonTree value={schema.data.stop} />
      <h3>Events</h3>
      {events.data.map((event, index) => (
        <section key={index}>
          <h4>{String(event.title)}</h4>
          <JsonTree value={event} />
        </section>
      ))}
    </div>
  );
}

function NodeFacts({ node }: { node: GraphNode }) {
  const { id, label, description, ...facts } = node;
  return (
    <div className="panel-body">
      <h3>{label}</h3>
      {description && <p>{description}</p>}
      <JsonTree value={{ id, ...facts }} />
    </div>
  );
}
