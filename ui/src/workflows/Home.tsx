// The workflows as cards, and what wants attention.
import { useRuns, useWorkflows } from '../api/queries';
import type { WorkflowDetail } from '../api/types';
import { href, runPath } from '../app/router';
import { Empty, Failed, Loading } from '../common/Notice';
import { Sparkline } from '../common/Sparkline';
import { ago, count, duration, preview } from '../common/format';
import { statusName } from '../common/StatusBadge';
import { useInbox } from '../people/Inbox';
import { noFilter } from '../runs/filter';

const states = ['running', 'waiting', 'quarantined', 'completed', 'failed', 'cancelled'] as const;
const failuresShown = 5;

function Card({ workflow }: { workflow: WorkflowDetail }) {
  const total = workflow.running + workflow.completed + workflow.failed + workflow.cancelled;
  return (
    <li className="card">
      <h2>
        <a href={href(['w', workflow.name])}>{workflow.name}</a>
        {workflow.version && <span className="muted"> version {workflow.version}</span>}
      </h2>
      {workflow.description && <p>{workflow.description}</p>}
      <p className="muted">
        {total === 0 ? 'No runs yet' : total === 1 ? 'One run' : `${count(total)} runs`}
        {workflow.last_started_at && `, the last ${ago(workflow.last_started_at)}`}
      </p>
      {total > 0 && (
        <div className="bar-of-states" role="img" aria-label={states.map(state => `${workflow[state] ?? 0} ${statusName(state)}`).join(', ')}>
          {(['completed', 'failed', 'cancelled', 'running'] as const).map(state => (
            <span key={state} className={`is-${state}`} style={{ flexGrow: workflow[state] }} />
          ))}
        </div>
      )}
      <ul className="states">
        {states
          .filter(state => (workflow[state] ?? 0) > 0)
          .map(state => (
            <li key={state}>
              <a href={href(['runs'], { wf: workflow.name, status: state })}>
                {count(workflow[state] ?? 0)} {state === 'waiting' ? 'need input' : statusName(state)}
              </a>
            </li>
          ))}
      </ul>
      {workflow.p50_ms !== null && (
        <p className="muted">
          Takes {duration(workflow.p50_ms)}, 19 of 20 at most {duration(workflow.p95_ms!)}
          <Sparkline values={workflow.recent_ms} label={`How long the last ${workflow.recent_ms.length} completed runs took`} />
        </p>
      )}
    </li>
  );
}

function Attention() {
  const inbox = useInbox();
  const failures = useRuns({ ...noFilter, status: 'failed', since: '24h' });
  const waiting = inbox.data?.handlers ?? [];
  const failed = failures.data?.pages[0]?.handlers ?? [];
  if (waiting.length + failed.length === 0) return null;
  return (
    <section aria-label="Wants attention">
      {waiting.length > 0 && (
        <p className="notice wait">
          <a href={href(['inbox'])}>{waiting.length === 1 ? 'One run waits' : `${count(inbox.data!.total)} runs wait`} for a person</a>
        </p>
      )}
      {failed.length > 0 && (
        <>
          <h2>Failed in the last day</h2>
          <ul className="failures">
            {failed.slice(0, failuresShown).map(run => (
              <li key={run.handler_id}>
                <a href={href(runPath(run.workflow_name, run.handler_id))}>
                  {run.workflow_name} · {run.handler_id}
                </a>{' '}
                <span className="error-text">{preview(run.error, 120)}</span> <span className="muted">{ago(run.started_at)}</span>
              </li>
            ))}
          </ul>
          {failed.length > failuresShown && <a href={href(['runs'], { status: 'failed', since: '24h' })}>All of them</a>}
        </>
      )}
    </section>
  );
}

export function Home() {
  const workflows = useWorkflows();
  if (workflows.isError) return <Failed what="The workflows could not be read" error={workflows.error} retry={() => void workflows.refetch()} />;
  if (!workflows.data) return <Loading what="the workflows" />;
  return (
    <main className="page" id="main">
      <Attention />
      <h1>Workflows</h1>
      {workflows.data.details.length === 0 ? (
        <Empty>
          No workflow is registered. A program registers one with <code>server.add_workflow&lt;MyFlow&gt;("my_flow")</code>.
        </Empty>
      ) : (
        <ul className="cards">
          {workflows.data.details.map(workflow => (
            <Card key={workflow.name} workflow={workflow} />
          ))}
        </ul>
      )}
    </main>
  );
}
