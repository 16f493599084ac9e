// Forms as people fill them in.
import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, describe, expect, it } from 'vitest';
import { useState } from 'react';
import type { JsonSchema } from '../src/api/types';
import { SchemaForm } from '../src/form/SchemaForm';
import { initial, validate } from '../src/schema/schema';

afterEach(cleanup);
let latest: unknown;

function Form({ schema }: { schema: JsonSchema }) {
  const [value, setValue] = useState<unknown>(() => initial(schema, schema));
  latest = value;
  return <SchemaForm schema={schema} value={value} onChange={setValue} problems={validate(schema, value)} asJson={false} setAsJson={() => undefined} />;
}

const schema = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    loud: { type: 'boolean', default: false },
    times: { type: 'integer' },
    note: { anyOf: [{ type: 'string' }, { type: 'null' }], default: null },
    tags: { type: 'array', items: { type: 'string' } },
    sizes: { type: 'object', additionalProperties: { type: 'integer' } },
    way: { anyOf: [{ type: 'object', title: 'ByCard', properties: { number: { type: 'string' } }, required: ['number'] }, { type: 'object', title: 'Free', properties: {} }] },
  },
  required: ['name', 'tags', 'way'],
};
const type = (label: RegExp | string, value: string) => fireEvent.change(screen.getByLabelText(label), { target: { value } });
const press = (name: RegExp) => fireEvent.click(screen.getByRole('button', { name }));

describe('a form', () => {
  it('edits texts, numbers, switches, optionals, lists, maps and unions', () => {
    render(<Form schema={schema} />);
    type(/^name/, 'Ada');
    type(/^times/, '3');
    fireEvent.click(screen.getByLabelText(/^loud/));
    press(/Set a value for note/);
    type(/^note/, 'hm');
    press(/Add to tags/);
    type(/^1 /, 'first');
    press(/Add to sizes/);
    type(/^key1 /, '7');
    type(/^number/, '42');
    expect(latest).toEqual({ name: 'Ada', loud: true, times: 3, note: 'hm', tags: ['first'], sizes: { key1: 7 }, way: { number: '42' } });
    fireEvent.change(screen.getByLabelText('Kind of way'), { target: { value: '1' } });
    press(/Leave note empty/);
    press(/Remove item 1 of tags/);
    expect(latest).toMatchObject({ note: null, tags: [], way: {} });
  });

  it('leaves out what is emptied, and says what is required at the field', () => {
    render(<Form schema={schema} />);
    type(/^times/, '3');
    type(/^times/, '');
    expect(latest).not.toHaveProperty('times');
    expect(screen.getAllByText('This is required.').length).toBeGreaterThan(0);
    expect(screen.getByLabelText(/^name/).getAttribute('aria-invalid')).toBe('true');
  });
});
