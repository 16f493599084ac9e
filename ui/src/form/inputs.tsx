// Fields that are one input of the browser.
import type { InputProps } from './Field';
import { isLarge, toJson } from '../common/json';

const common = (props: InputProps) => ({
  id: props.id,
  name: props.path,
  'aria-invalid': props.invalid || undefined,
  'aria-describedby': props.describedBy || undefined,
  'aria-required': props.required || undefined,
});

export function ConstInput(props: InputProps) {
  return <output id={props.id}>{toJson(props.schema.const)}</output>;
}

export function ChoiceInput(props: InputProps) {
  const options = props.schema.enum as unknown[];
  const chosen = options.findIndex(option => toJson(option) === toJson(props.value));
  return (
    <select {...common(props)} value={chosen} onChange={event => props.onChange(options[Number(event.target.value)])}>
      {chosen < 0 && <option value={-1}>choose…</option>}
      {options.map((option, index) => (
        <option key={index} value={index}>
          {String(option)}
        </option>
      ))}
    </select>
  );
}

export function SwitchInput(props: InputProps) {
  return <input {...common(props)} type="checkbox" checked={props.value === true} onChange={event => props.onChange(event.target.checked)} />;
}

/** What was typed, exactly. */
const numberOf = (text: string) => (text === '' ? undefined : isLarge(text) ? BigInt(text) : Number(text));
const bound = (limit: unknown) => (limit === undefined ? undefined : String(limit));

export function NumberInput(props: InputProps) {
  const { schema, value } = props;
  return (
    <input
      {...common(props)}
      type="number"
      step={schema.type === 'integer' ? 1 : 'any'}
      min={bound(schema.minimum)}
      max={bound(schema.maximum)}
      placeholder={schema.examples?.[0] === undefined ? undefined : String(schema.examples[0])}
      value={typeof value === 'number' ? value : typeof value === 'bigint' ? String(value) : ''}
      onChange={event => props.onChange(numberOf(event.target.value))}
    />
  );
}

const inputTypes: Record<string, string> = { date: 'date', time: 'time', email: 'email', uri: 'url', password: 'password' };

/** Longer texts get a larger box: those that say so, and those whose name does. */
const isLong = (props: InputProps) =>
  (props.schema.maxLength ?? 0) > 120 || /text|prompt|message|content|body|description|question/i.test(props.name);

export function TextInput(props: InputProps) {
  const { schema } = props;
  const shared = {
    ...common(props),
    value: typeof props.value === 'string' ? props.value : '',
    placeholder: schema.examples?.[0] === undefined ? undefined : String(schema.examples[0]),
    onChange: (event: { target: { value: string } }) =>
      props.onChange(event.target.value === '' && !props.required ? undefined : event.target.value),
  };
  if (isLong(props) && !schema.format) return <textarea {...shared} rows={3} />;
  return <input {...shared} type={inputTypes[schema.format as string] ?? 'text'} />;
}
