// What the run's steps kept after the event that is shown, and what has changed since an earlier one.
import { useState } from 'react';
import { DifferenceTable } from '../common/DifferenceTable';
import { JsonTree } from '../common/JsonTree';
import { Empty, Failed, Loading } from '../common/Notice';
import { differences } from '../model/diff';
import { useStateAt, type RunState } from './useStateAt';

export function StatePanel({ handlerId, sequence }: { handlerId: string; sequence: number | null }) {
  const [mark, setMark] = useState<RunState | null>(null);
  const state = useStateAt(handlerId, sequence);
  if (sequence === null) return <Empty>Before the first event nothing is kept.</Empty>;
  if (state.isError) return <Failed what="The state could not be read" error={state.error} />;
  if (!state.data) return <Loading what="the state" />;
  const { states } = state.data;
  const names = Object.keys(states).sort();
  return (
    <div className="panel-body" data-testid="state">
      <h3>After event #{state.data.at}</h3>
      {names.length === 0 && <p className="muted">Nothing is kept yet. Steps keep values with ctx.store().</p>}
      {names.map(name => (
        <section key={name}>
          {name && <h4>Store {name}</h4>}
          <JsonTree value={states[name]} />
        </section>
      ))}
      <div className="actions">
        <button className="quiet" onClick={() => setMark(state.data)}>
          Compare other moments with this one
        </button>
        {mark && (
          <button className="quiet" onClick={() => setMark(null)}>
            Stop comparing with #{mark.at}
          </button>
        )}
      </div>
      {mark && <DifferenceTable differences={differences(mark.states, states)} left={`#${mark.at}`} right={`#${state.data.at}`} />}
    </div>
  );
}
