// One event in full: its payload, where it comes from and goes, and how it differs from the one before of its type.
import { useMemo, useState } from 'react';
import { url } from '../api/http';
import { CopyButton } from '../common/CopyButton';
import { DifferenceTable } from '../common/DifferenceTable';
import { Fact } from '../common/Fact';
import { JsonTree } from '../common/JsonTree';
import { Empty } from '../common/Notice';
import { dateTime, duration } from '../common/format';
import { differences } from '../model/diff';
import { isA, stepChange, type RunEvent } from '../model/event';
import { lineage } from '../model/lineage';
import type { RunModel } from '../model/run';
import type { Span } from '../model/spans';
import type { Cursor } from './useCursor';
import { segment } from '../common/segment';
import { toJson } from '../common/json';

interface Props {
  model: RunModel;
  cursor: Cursor;
  handlerId: string;
  useAsInput?: (value: unknown) => void; // only where runs can be started
  sendAgain?: (type: string, value: unknown) => void;
}

function previousOfType(model: RunModel, index: number): RunEvent | undefined {
  for (let i = index - 1; i >= 0; i--) if (model.events[i].type === model.events[index].type) return model.events[i];
  return undefined;
}

function Relative({ name, span, cursor }: { name: string; span: Span; cursor: Cursor }) {
  return (
    <Fact name={name}>
      <button className="link" onClick={() => cursor.toSequence(span.startSequence)}>
        {span.step} #{span.startSequence}
      </button>
    </Fact>
  );
}

export function Inspector({ model, cursor, handlerId, useAsInput, sendAgain }: Props) {
  const [diff, setDiff] = useState(false);
  const index = cursor.count - 1;
  const event = model.events[index];
  const before = event && previousOfType(model, index);
  const changes = useMemo(() => (diff && before ? differences(before.value, event.value) : []), [diff, before, event]);
  if (!event) return <Empty>Choose an event in the log, the timeline or with the slider.</Empty>;
  const step = stepChange(event);
  const span = model.spanAt(event.sequence);
  const { producer, consumer } = lineage(model.spans, event);
  return (
    <div className="panel-body" data-testid="inspector">
      <h3>
        {event.type} <span className="muted">#{event.sequence}</span>
      </h3>
      <dl className="facts">
        <Fact name="At">
          {dateTime(event.at)} (+{duration(event.at - model.events[0].at)})
        </Fact>
        {event.types.length > 0 && <Fact name="Kind of">{event.types.join(', ')}</Fact>}
        {span && (
          <Fact name="Execution">
            {span.step}, worker {span.worker}, attempt {span.attempt}
            {span.end !== null && `, ${duration(span.end - span.start)}`}
          </Fact>
        )}
        {producer && <Relative name={step ? 'Began by' : 'From'} span={producer} cursor={cursor} />}
        {consumer && <Relative name="To" span={consumer} cursor={cursor} />}
        {event.trace?.error && (
          <Fact name="Error" error>
            {event.trace.error.exception_type}: {event.trace.error.exception_message}
          </Fact>
        )}
      </dl>
      <JsonTree key={event.sequence} value={event.value} />
      <div className="actions">
        <CopyButton label="JSON" text={() => toJson(event.value, 2)} />
        <CopyButton label="curl" text={() => `curl -sS '${url(`/events/${segment(handlerId)}?stream=false&include_internal=true&after_sequence=${event.sequence - 1}&limit=1`)}'`} />
        {sendAgain && !event.internal && !isA(event, 'StopEvent') && (
          <button className="quiet" onClick={() => sendAgain(event.type, event.value)}>
            Send again…
          </button>
        )}
        {useAsInput && (
          <button className="quiet" onClick={() => useAsInput(event.value)}>
            Use as input…
          </button>
        )}
        {before && (
          <button className="quiet" aria-pressed={diff} onClick={() => setDiff(!diff)}>
            Compare with #{before.sequence}
          </button>
        )}
      </div>
      {diff && before && <DifferenceTable differences={changes} left={`#${before.sequence}`} right={`#${event.sequence}`} />}
    </div>
  );
}
