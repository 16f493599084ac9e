// What went wrong in a run: the first cause, its attempts, and where; with the way there.
import { useMemo } from 'react';
import { Icon } from '../common/Icon';
import { duration } from '../common/format';
import { useNow } from '../common/useNow';
import { isA } from '../model/event';
import type { RunModel } from '../model/run';
import type { Span } from '../model/spans';
import type { Cursor } from './useCursor';

interface Props {
  model: RunModel;
  version: number;
  error: string | null; // of the handler
  cursor: Cursor;
}

const attemptsShown = 5;

export function ErrorPanel({ model, version, error, cursor }: Props) {
  const failures = useMemo(() => model.spans.filter(span => span.outcome === 'failed'), [model, version]);
  const retrying = failures.filter(span => span.retryAt !== null && !model.over && span.retryAt > Date.now() - 1000);
  const now = useNow(retrying.length > 0, 250);
  if (!error && retrying.length === 0) return null;
  const last = failures[failures.length - 1];
  const attempts = last ? failures.filter(span => span.step === last.step && span.input === last.input).slice(-attemptsShown) : [];
  const end = model.last && isA(model.last, 'StopEvent') ? model.last.sequence : undefined;
  return (
    <section className="error-panel" role={error ? 'alert' : 'status'} aria-label="Errors">
      {error && (
        <p>
          <Icon name="cross" /> <b>{last?.error ? last.error.type : 'Failed'}</b>: {last?.error?.message ?? error}
        </p>
      )}
      {last && (
        <p>
          In step <b>{last.step}</b>, attempt {last.attempt},{' '}
          <button className="link" onClick={() => cursor.toSequence(last.endSequence ?? last.startSequence)}>
            go to event #{last.endSequence ?? last.startSequence}
          </button>
          {error && end !== undefined && (
            <>
              . It ended the run at{' '}
              <button className="link" onClick={() => cursor.toSequence(end)}>
                #{end}
              </button>
            </>
          )}
        </p>
      )}
      {attempts.length > 1 && <Attempts spans={attempts} cursor={cursor} />}
      {retrying.map(span => (
        <p key={span.endSequence}>
          <Icon name="retry" /> {span.step} tries again in {duration(Math.max(0, span.retryAt! - now))} (attempt {span.attempt + 1}): {span.error?.message}
        </p>
      ))}
    </section>
  );
}

function Attempts({ spans, cursor }: { spans: Span[]; cursor: Cursor }) {
  return (
    <ol className="attempts">
      {spans.map(span => (
        <li key={span.startSequence}>
          <button className="link" onClick={() => cursor.toSequence(span.endSequence!)}>
            attempt {span.attempt}
          </button>{' '}
          {duration(span.end! - span.start)}: {span.error?.message}
        </li>
      ))}
    </ol>
  );
}
