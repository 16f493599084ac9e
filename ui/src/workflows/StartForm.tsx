// Starts a run: anew, again with edited input, or going on with a handler's state.
import { useEffect, useState, type FormEvent } from 'react';
import { ApiError, post } from '../api/http';
import { useSchema } from '../api/queries';
import type { Handler } from '../api/types';
import { CopyButton } from '../common/CopyButton';
import { Icon } from '../common/Icon';
import { Failed, Loading } from '../common/Notice';
import { preview } from '../common/format';
import { SchemaForm } from '../form/SchemaForm';
import { initial, validate, type Problem } from '../schema/schema';
import { recentInputs, rememberInput } from './recentInputs';
import { asCpp, asCurl, asPython, asTypeScript } from './snippets';
import { segment } from '../common/segment';

interface Props {
  workflow: string;
  input?: unknown; // to begin with, instead of the schema's defaults
  handlerId?: string; // goes on with this handler's state
  onStarted: (handlerId: string) => void;
}

/** The server names the field in its words; it is shown where the field is. */
function problemsOf(error: unknown, schemaProblems: Problem[]): Problem[] {
  const message = error instanceof Error ? error.message : String(error);
  const field = /'([\w.]+)'/.exec(message.replace(/^Validation error for 'start_event': /, ''))?.[1];
  const known = schemaProblems.length === 0 && error instanceof ApiError && error.status === 400 && field;
  return [{ path: known ? field : '', message }];
}

export function StartForm({ workflow, input, handlerId, onStarted }: Props) {
  const schema = useSchema(workflow);
  const [value, setValue] = useState<unknown>(undefined);
  const [version, setVersion] = useState(0); // editors begin anew when the value is replaced
  const [asJson, setAsJson] = useState(false);
  const [problems, setProblems] = useState<Problem[]>([]);
  const [busy, setBusy] = useState(false);
  const start = schema.data?.start;
  const replace = (next: unknown) => {
    setValue(next);
    setProblems([]);
    setVersion(before => before + 1);
  };
  useEffect(() => {
    if (start) replace(input ?? initial(start, start) ?? {});
  }, [start, input]);
  if (schema.isError) return <Failed what="The schema could not be read" error={schema.error} retry={() => void schema.refetch()} />;
  if (!start || value === undefined) return <Loading what="the form" />;

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const found = validate(start, value);
    setProblems(found);
    if (found.length > 0) return;
    setBusy(true);
    try {
      const body = { start_event: value, ...(handlerId && { handler_id: handlerId }) };
      const handler = await post<Handler>(`/workflows/${segment(workflow)}/run-nowait`, body);
      rememberInput(workflow, value);
      onStarted(handler.handler_id);
    } catch (error) {
      setProblems(problemsOf(error, found));
    } finally {
      setBusy(false);
    }
  };
  const earlier = recentInputs(workflow);
  return (
    <form
      className="panel-body"
      aria-label={`Start ${workflow}`}
      noValidate
      onSubmit={event => void submit(event)}
      onKeyDown={event => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) event.currentTarget.requestSubmit();
      }}
    >
      {handlerId && <p className="muted">Goes on with what handler {handlerId} has kept.</p>}
      {earlier.length > 0 && (
        <label className="field">
          Earlier inputs
          <select value="" onChange={event => replace(structuredClone(earlier[Number(event.target.value)]))}>
            <option value="">choose to fill in…</option>
            {earlier.map((old, index) => (
              <option key={index} value={index}>
                {preview(old, 70)}
              </option>
            ))}
          </select>
        </label>
      )}
      <SchemaForm key={version} schema={start} value={value} onChange={setValue} problems={problems} asJson={asJson} setAsJson={setAsJson} />
      {problems.length > 0 && (
        <p className="problem" role="alert">
          {problems.length === 1 ? 'One thing is' : `${problems.length} things are`} to be put right
          {problems[0].path ? `: ${problems.map(problem => problem.path).join(', ')}` : ''}.
        </p>
      )}
      <div className="actions">
        <button className="primary" disabled={busy}>
          <Icon name="play" /> Run
        </button>
        <span className="muted">Ctrl+Enter</span>
      </div>
      <details className="copies">
        <summary>Copy as code</summary>
        <div className="actions">
          <CopyButton label="curl" text={() => asCurl(workflow, value)} />
          <CopyButton label="TypeScript" text={() => asTypeScript(workflow, value)} />
          <CopyButton label="Python" text={() => asPython(workflow, value)} />
          <CopyButton label="C++" text={() => asCpp(workflow, value)} />
        </div>
      </details>
    </form>
  );
}
