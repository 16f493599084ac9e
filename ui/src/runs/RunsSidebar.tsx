// The runs of one workflow, beside the run that is open.
import { useState } from 'react';
import { useNow } from '../common/useNow';
import { href, runPath } from '../app/router';
import { Icon } from '../common/Icon';
import { Empty, Failed } from '../common/Notice';
import { ago, count, duration } from '../common/format';
import { shownStatus, StatusBadge, statusName } from '../common/StatusBadge';
import { noFilter, statuses, type RunsFilter } from './filter';
import { useVirtualRuns } from './useVirtualRuns';

const rowHeight = 52;

export function RunsSidebar({ workflow, open }: { workflow: string; open?: string }) {
  const [status, setStatus] = useState<RunsFilter['status']>('');
  const [text, setText] = useState('');
  const { runs, rows, box, list, items, total, totalIsExact } = useVirtualRuns({ ...noFilter, workflows: [workflow], status, text }, rowHeight);
  const now = useNow(rows.some(row => row.status === 'running'));
  return (
    <nav className="sidebar" aria-label={`Runs of ${workflow}`}>
      <div className="bar">
        <input type="search" placeholder="Find a run" aria-label="Find a run" value={text} onChange={event => setText(event.target.value)} />
        <select aria-label="Status" value={status} onChange={event => setStatus(event.target.value as RunsFilter['status'])}>
          <option value="">all</option>
          {statuses.map(name => (
            <option key={name} value={name}>
              {statusName(name)}
            </option>
          ))}
        </select>
      </div>
      {runs.isError && <Failed what="The runs could not be read" error={runs.error} retry={() => void runs.refetch()} />}
      <p className="muted bar" data-testid="runs-count">
        {count(rows.length)} of {count(total)}
        {totalIsExact ? '' : '+'} runs
      </p>
      <div className="rows" ref={box} tabIndex={0} aria-label="Runs" role="region">
        {rows.length === 0 && runs.isSuccess && <Empty>{status || text ? 'No run matches.' : 'No runs yet. Start one with the form.'}</Empty>}
        <div style={{ height: list.getTotalSize(), position: 'relative' }}>
          {items.map(item => {
            const run = rows[item.index];
            const end = run.completed_at ? Date.parse(run.completed_at) : now;
            return (
              <div key={run.handler_id} className={`row run-row ${run.handler_id === open ? 'selected' : ''}`} style={{ height: rowHeight, transform: `translateY(${item.start}px)` }}>
                <a href={href(runPath(run.workflow_name, run.handler_id))} aria-current={run.handler_id === open ? 'page' : undefined}>
                  <span className="run-id">{run.handler_id}</span>
                  <StatusBadge status={shownStatus(run)} />
                  <span className="muted run-time">
                    {duration(end - Date.parse(run.started_at))} · {ago(run.started_at, now)}
                  </span>
                </a>
                {open && run.handler_id !== open && (
                  <a className="run-compare" href={href(runPath(workflow, open), { vs: run.handler_id })} title={`Compare ${open} with this run`} aria-label={`Compare with ${run.handler_id}`}>
                    <Icon name="compare" />
                  </a>
                )}
              </div>
            );
          })}
        </div>
      </div>
    </nav>
  );
}
