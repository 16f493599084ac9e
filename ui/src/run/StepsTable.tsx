// What the timeline shows, as a table: also for those who cannot see it.
import { useMemo } from 'react';
import { Empty } from '../common/Notice';
import { duration } from '../common/format';
import type { RunModel } from '../model/run';
import { statistics, type Span } from '../model/spans';
import type { Cursor } from './useCursor';

const executionsShown = 200;

interface Props {
  model: RunModel;
  version: number;
  cursor: Cursor;
  selected?: string;
  select: (step: string | undefined) => void;
}

export function StepsTable({ model, version, cursor, selected, select }: Props) {
  const rows = useMemo(() => statistics(model.spans, cursor.sequence ?? -1), [model, version, cursor.sequence]);
  const executions = useMemo(
    () => model.spans.filter(span => span.step === selected && span.startSequence <= (cursor.sequence ?? -1)),
    [model, version, selected, cursor.sequence],
  );
  if (rows.length === 0) return <Empty>No step has run yet.</Empty>;
  return (
    <div className="panel-body">
      <table>
        <thead>
          <tr>
            <th>Step</th>
            <th className="number">Runs</th>
            <th className="number">Failed</th>
            <th className="number">Mean</th>
            <th className="number">Longest</th>
            <th className="number">Queued</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(row => (
            <tr key={row.step} className={row.step === selected ? 'selected' : ''}>
              <td>
                <button className="link" aria-pressed={row.step === selected} onClick={() => select(row.step === selected ? undefined : row.step)}>
                  {row.step}
                </button>
              </td>
              <td className="number">{row.count}</td>
              <td className="number">{row.failed || ''}</td>
              <td className="number">{duration(row.mean)}</td>
              <td className="number">{duration(row.max)}</td>
              <td className="number">{row.queued >= 1 ? duration(row.queued) : ''}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {selected && executions.length > 0 && <Executions step={selected} spans={executions} cursor={cursor} />}
    </div>
  );
}

function Executions({ step, spans, cursor }: { step: string; spans: Span[]; cursor: Cursor }) {
  return (
    <>
      <h3>Executions of {step}</h3>
      <table data-testid="executions">
        <thead>
          <tr>
            <th>Began with</th>
            <th>Worker</th>
            <th>Attempt</th>
            <th>Took</th>
            <th>Outcome</th>
          </tr>
        </thead>
        <tbody>
          {spans.slice(-executionsShown).map(span => (
            <tr key={span.startSequence}>
              <td>
                <button className="link" onClick={() => cursor.toSequence(span.startSequence)}>
                  {span.input} #{span.startSequence}
                </button>
              </td>
              <td>{span.worker}</td>
              <td>{span.attempt}</td>
              <td>{span.end === null ? '…' : duration(span.end - span.start)}</td>
              <td className={span.outcome === 'failed' ? 'error-text' : ''}>{span.error ? span.error.message : (span.output ?? span.outcome)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
