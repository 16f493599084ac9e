// A value edited by a form or as JSON; switching keeps it.
import { lazy, Suspense } from 'react';
import type { JsonSchema } from '../api/types';
import { Loading } from '../common/Notice';
import { kindOf, resolve, type Problem } from '../schema/schema';
import { Field } from './Field';

const JsonEditor = lazy(() => import('./JsonEditor'));

interface Props {
  schema: JsonSchema;
  value: unknown;
  onChange: (value: unknown) => void;
  problems: Problem[]; // shown at the fields
  asJson: boolean;
  setAsJson: (asJson: boolean) => void;
}

export function SchemaForm({ schema, value, onChange, problems, asJson, setAsJson }: Props) {
  const hasForm = kindOf(resolve(schema, schema)) === 'object';
  const hasFields = hasForm && Object.keys(resolve(schema, schema).properties).length > 0;
  const elsewhere = problems.filter(problem => problem.path === '');
  return (
    <div className="schema-form">
      <div className="switch" role="group" aria-label="How to edit">
        <button type="button" aria-pressed={!asJson && hasForm} disabled={!hasForm} onClick={() => setAsJson(false)}>
          Form
        </button>
        <button type="button" aria-pressed={asJson || !hasForm} onClick={() => setAsJson(true)}>
          JSON
        </button>
      </div>
      {asJson || !hasForm ? (
        <Suspense fallback={<Loading what="the editor" />}>
          <JsonEditor schema={schema} value={value} onChange={onChange} />
        </Suspense>
      ) : hasFields ? (
        <Field schema={{ ...schema, title: '', description: undefined }} root={schema} value={value} onChange={onChange} name="" path="" required problems={problems} />
      ) : (
        <p className="muted">{schema.title ? String(schema.title) : 'It'} has no fields. Free ones can be given as JSON.</p>
      )}
      {elsewhere.map(problem => (
        <p className="problem" key={problem.message}>
          {problem.message}
        </p>
      ))}
    </div>
  );
}
