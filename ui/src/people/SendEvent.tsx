// Sends an event into a run: the one that it waits for is chosen already, any other that the workflow knows can be.
import { useEffect, useMemo, useRef, useState, type FormEvent } from 'react';
import { post } from '../api/http';
import { useEventSchemas, useGraph } from '../api/queries';
import type { HandlerItem, JsonSchema } from '../api/types';
import { Icon } from '../common/Icon';
import { Empty, Failed, Loading } from '../common/Notice';
import { SchemaForm } from '../form/SchemaForm';
import { initial, validate, type Problem } from '../schema/schema';
import { segment } from '../common/segment';
import type { WireEvent } from '../model/event';
import { requirements } from './requirements';

interface Props {
  handler: HandlerItem;
  question?: WireEvent | null; // that is answered
  given?: { type: string; value: unknown }; // to begin with
  compact?: boolean; // only the answer that is waited for
  onSent?: () => void;
}

const noProblems: Problem[] = [];

export function SendEvent({ handler, question, given, compact = false, onSent }: Props) {
  const schemas = useEventSchemas(handler.workflow_name);
  const graph = useGraph(compact ? undefined : handler.workflow_name);
  const awaited = handler.waiting_for[0]?.event_type;
  const [chosen, setChosen] = useState<string | undefined>(given?.type);
  const [step, setStep] = useState('');
  const [value, setValue] = useState<unknown>(undefined);
  const [asJson, setAsJson] = useState(false);
  const [problems, setProblems] = useState(noProblems);
  const [said, setSaid] = useState('');
  const [version, setVersion] = useState(0);
  const types = useMemo(() => (schemas.data ?? []).filter(schema => schema.title), [schemas.data]);
  const type = chosen ?? awaited ?? types.find(schema => /Response|Human/.test(String(schema.title)))?.title ?? types[0]?.title;
  const schema = types.find(known => known.title === type) as JsonSchema | undefined;
  // As it was when the form was opened: a late answer must not be taken for the answer to a question that was asked meanwhile.
  const asked = useRef({ waits: handler.waiting_for, question });
  asked.current = { waits: handler.waiting_for, question };
  useEffect(() => {
    if (!schema) return;
    const { waits, question } = asked.current;
    const fresh = { ...(initial(schema, schema) as object | undefined), ...requirements(waits, String(schema.title), question) };
    setValue(given?.type === schema.title ? given?.value : fresh);
    setProblems(noProblems);
    setVersion(before => before + 1);
  }, [schema, given]);
  useEffect(() => {
    if (given) setChosen(given.type);
  }, [given]);

  if (schemas.isError) return <Failed what="The event types could not be read" error={schemas.error} retry={() => void schemas.refetch()} />;
  if (!schemas.data) return <Loading what="the event types" />;
  if (!schema || value === undefined) return <Empty>This workflow takes no events from outside.</Empty>;

  const send = async (event: FormEvent) => {
    event.preventDefault();
    setSaid('');
    const found = validate(schema, value);
    setProblems(found);
    if (found.length > 0) return;
    try {
      const body = { event: { type: schema.title, value }, ...(step && { step }) };
      const answer = await post<{ unhandled?: boolean } | undefined>(`/events/${segment(handler.handler_id)}`, body);
      setSaid(`${schema.title} was sent${answer?.unhandled ? ', but nothing in the run has taken it' : ''}.`);
      if (!answer?.unhandled) onSent?.();
    } catch (error) {
      setProblems([{ path: '', message: (error as Error).message }]);
    }
  };
  const over = handler.status !== 'running';
  const steps = graph.data?.nodes.filter(node => node.node_type === 'step') ?? [];
  return (
    <form className={compact ? '' : 'panel-body'} aria-label={`Send an event to ${handler.handler_id}`} noValidate onSubmit={event => void send(event)}>
      {over && <p className="muted">The run is over: it takes no more events.</p>}
      {!compact && (
        <label className="field">
          Event
          <select value={String(type)} onChange={event => setChosen(event.target.value)}>
            {types.map(known => (
              <option key={String(known.title)} value={String(known.title)}>
                {String(known.title)}
                {handler.waiting_for.some(wanted => wanted.event_type === known.title) ? ' (awaited)' : ''}
              </option>
            ))}
          </select>
        </label>
      )}
      <SchemaForm key={version} schema={schema} value={value} onChange={setValue} problems={problems} asJson={asJson} setAsJson={setAsJson} />
      {!compact && (
        <label className="field">
          To <span className="kind">every step that takes it, or one alone</span>
          <select value={step} onChange={event => setStep(event.target.value)}>
            <option value="">every step that takes it</option>
            {steps.map(node => (
              <option key={node.id}>{node.id}</option>
            ))}
          </select>
        </label>
      )}
      <div className="actions">
        <button className="primary" disabled={over}>
          <Icon name="send" /> {compact ? `Send ${String(type)}` : 'Send event'}
        </button>
        <span role="status" className="muted">
          {said}
        </span>
      </div>
    </form>
  );
}
