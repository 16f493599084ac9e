// All runs of all workflows: filtered on the server, with the filter in the URL; cancelled and purged many at a time.
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState, type ReactNode } from 'react';
import { useMayAct, useWorkflows } from '../api/queries';
import type { HandlerItem } from '../api/types';
import { useShortcuts } from '../app/keyboard';
import { go, href, runPath, setQuery, useRoute } from '../app/router';
import { Icon } from '../common/Icon';
import { Empty, Failed, Loading } from '../common/Notice';
import { count, dateTime, duration } from '../common/format';
import { shownStatus, StatusBadge, statusName } from '../common/StatusBadge';
import { useNow } from '../common/useNow';
import { endAll } from './bulk';
import { filterOf, statuses } from './filter';
import { useVirtualRuns } from './useVirtualRuns';

const rowHeight = 36;
const periods = ['', '15m', '1h', '24h', '7d'];

function Filters() {
  const { query } = useRoute();
  const filter = filterOf(query);
  const workflows = useWorkflows();
  const [text, setText] = useState(filter.text);
  useEffect(() => {
    const timer = setTimeout(() => text !== filter.text && setQuery({ find: text }), 250);
    return () => clearTimeout(timer);
  }, [text, filter.text]);
  return (
    <div className="bar filters" role="search">
      <input id="runs-search" type="search" placeholder="Id, error or result  /" aria-label="Search runs" value={text} onChange={event => setText(event.target.value)} />
      <select aria-label="Workflow" value={filter.workflows[0] ?? ''} onChange={event => setQuery({ wf: event.target.value })}>
        <option value="">all workflows</option>
        {workflows.data?.workflows.map(name => (
          <option key={name}>{name}</option>
        ))}
      </select>
      <select aria-label="Status" value={filter.status} onChange={event => setQuery({ status: event.target.value })}>
        <option value="">all states</option>
        {statuses.map(name => (
          <option key={name} value={name}>
            {statusName(name)}
          </option>
        ))}
      </select>
      <select aria-label="Started" value={filter.since} onChange={event => setQuery({ since: event.target.value })}>
        {periods.map(period => (
          <option key={period} value={period}>
            {period ? `last ${period}` : 'any time'}
          </option>
        ))}
      </select>
    </div>
  );
}

export function RunsPage() {
  const { query } = useRoute();
  const client = useQueryClient();
  const filter = filterOf(query);
  const { runs, rows, box, list, items, total, totalIsExact } = useVirtualRuns(filter, rowHeight);
  const [chosen, setChosen] = useState<Map<string, HandlerItem>>(new Map());
  const [said, setSaid] = useState<ReactNode>('');
  const [at, setAt] = useState(-1);
  const now = useNow(rows.some(row => row.status === 'running'));
  const move = (by: number) => {
    const next = Math.max(0, Math.min(rows.length - 1, at + by));
    setAt(next);
    list.scrollToIndex(next);
    box.current?.querySelector<HTMLElement>(`[data-index="${next}"] a`)?.focus();
  };
  useShortcuts({ j: () => move(1), k: () => move(-1), '/': () => document.getElementById('runs-search')?.focus() });

  const toggle = (run: HandlerItem) => {
    const next = new Map(chosen);
    if (!next.delete(run.handler_id)) next.set(run.handler_id, run);
    setChosen(next);
  };
  const end = async (purge: boolean) => {
    const handlers = [...chosen.values()].filter(run => purge || run.status === 'running');
    const what = purge ? 'Delete' : 'Cancel';
    if (handlers.length === 0) return setSaid('None of the chosen runs is running.');
    if (!window.confirm(`${what} ${handlers.length} runs${purge ? ' with everything that is stored of them' : ''}?`)) return;
    const failed = await endAll(handlers, purge);
    setChosen(new Map());
    setSaid(`${handlers.length - failed.length} of ${handlers.length} runs ${purge ? 'deleted' : 'cancelled'}.${failed.length > 0 ? ` ${failed[0]}` : ''}`);
    void client.invalidateQueries();
  };
  const mayAct = useMayAct();
  const two = [...chosen.values()];
  return (
    <main className="page wide" id="main">
      <h1>Runs</h1>
      <Filters />
      <div className="bar" role="group" aria-label="Chosen runs">
        <span className="muted" data-testid="runs-count">
          {count(rows.length)} of {count(total)}
          {totalIsExact ? '' : '+'} runs{chosen.size > 0 ? `, ${chosen.size} chosen` : ''}
        </span>
        <span className="grow" />
        <span role="status" className="muted">
          {said}
        </span>
        {rows.length > 0 && (
          <button className="quiet" onClick={() => setChosen(chosen.size > 0 ? new Map() : new Map(rows.map(run => [run.handler_id, run])))}>
            {chosen.size > 0 ? 'Choose none' : `Choose all ${count(rows.length)} loaded`}
          </button>
        )}
        <button disabled={two.length !== 2} onClick={() => go(runPath(two[0].workflow_name, two[0].handler_id), { vs: two[1].handler_id })}>
          <Icon name="compare" /> Compare
        </button>
        {mayAct && (
          <>
            <button disabled={chosen.size === 0} onClick={() => void end(false)}>
              Cancel…
            </button>
            <button disabled={chosen.size === 0} onClick={() => void end(true)}>
              Delete…
            </button>
          </>
        )}
      </div>
      {runs.isError && <Failed what="The runs could not be read" error={runs.error} retry={() => void runs.refetch()} />}
      {runs.isLoading && <Loading what="the runs" />}
      <div className="rows table-rows" ref={box} tabIndex={0} role="region" aria-label="List of runs">
        {rows.length === 0 && runs.isSuccess && (
          <Empty>
            {query.size > 0 ? (
              <>
                No run matches.{' '}
                <button className="quiet" onClick={() => go(['runs'])}>
                  Clear the filters
                </button>
              </>
            ) : (
              <>
                No runs yet. <a href={href([])}>Choose a workflow</a> and start one.
              </>
            )}
          </Empty>
        )}
        <div style={{ height: list.getTotalSize(), position: 'relative' }}>
          {items.map(item => {
            const run = rows[item.index];
            return (
              <div key={run.handler_id} data-index={item.index} className="row runs-row" style={{ height: rowHeight, transform: `translateY(${item.start}px)` }}>
                <input type="checkbox" aria-label={`Choose ${run.handler_id}`} checked={chosen.has(run.handler_id)} onChange={() => toggle(run)} />
                <a href={href(runPath(run.workflow_name, run.handler_id))}>{run.handler_id}</a>
                <span>{run.workflow_name}</span>
                <StatusBadge status={shownStatus(run)} />
                <span className="muted">{dateTime(run.started_at).slice(0, 19)}</span>
                <span className="number">{duration((run.completed_at ? Date.parse(run.completed_at) : now) - Date.parse(run.started_at))}</span>
                <span className="error-text cut" title={run.error ?? ''}>
                  {run.error}
                </span>
              </div>
            );
          })}
        </div>
      </div>
    </main>
  );
}
