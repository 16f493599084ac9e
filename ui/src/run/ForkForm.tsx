// A new run that goes on where this one was after the event that is shown, with what it kept then or with edited state.
import { lazy, Suspense, useState } from 'react';
import { post } from '../api/http';
import type { Handler, HandlerDetail } from '../api/types';
import { Icon } from '../common/Icon';
import { Empty, Failed, Loading } from '../common/Notice';
import { useStateAt } from './useStateAt';
import { segment } from '../common/segment';

const JsonEditor = lazy(() => import('../form/JsonEditor'));
const anyObject = { type: 'object' };

interface Props {
  handler: HandlerDetail;
  sequence: number | null;
  onForked: (handlerId: string) => void;
}

export function ForkForm({ handler, sequence, onForked }: Props) {
  const state = useStateAt(handler.handler_id, sequence);
  const [edited, setEdited] = useState<{ at: number; value: unknown } | null>(null);
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  if (sequence === null) return <Empty>Choose an event: the new run goes on behind it.</Empty>;
  if (state.isError) return <Failed what="The state could not be read" error={state.error} />;
  if (!state.data || state.data.at !== sequence) return <Loading what="the state" />;
  const fork = async () => {
    setBusy(true);
    setProblem('');
    try {
      const body = { from_sequence: sequence, ...(edited?.at === sequence && { state: edited.value }) };
      const handlerOfFork = await post<Handler>(`/handlers/${segment(handler.handler_id)}/rerun`, body);
      onForked(handlerOfFork.handler_id);
    } catch (error) {
      setProblem((error as Error).message);
    } finally {
      setBusy(false);
    }
  };
  return (
    <div className="panel-body" data-testid="fork">
      <h3>Fork behind event #{sequence}</h3>
      <p className="muted">A new run begins as this one was then. Steps that were at work begin again; what run_once has recorded is not done again.</p>
      <h4>What its steps have kept</h4>
      <Suspense fallback={<Loading what="the editor" />}>
        <JsonEditor key={sequence} schema={anyObject} value={state.data.states[''] ?? {}} onChange={value => setEdited({ at: sequence, value })} />
      </Suspense>
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      <div className="actions">
        <button className="primary" disabled={busy} onClick={() => void fork()}>
          <Icon name="play" /> Fork the run
        </button>
      </div>
    </div>
  );
}
