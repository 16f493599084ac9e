// One of several kinds of value.
import { useState } from 'react';
import type { JsonSchema } from '../api/types';
import { choices, filled, kindOf, resolve, validate } from '../schema/schema';
import { Field, labelOf, type InputProps } from './Field';
import { toJson } from '../common/json';

const nameOf = (option: JsonSchema) => (option.title as string | undefined) ?? kindOf(option);

/** Which of the options a value is of: a new value is of the first that begins so. */
function guess(options: JsonSchema[], { schema, root, value }: InputProps): number {
  const text = toJson(value);
  const tag = (schema.discriminator as { propertyName?: string } | undefined)?.propertyName;
  const kind = Array.isArray(value) ? 'array' : typeof value === 'bigint' ? 'integer' : typeof value;
  const signs: ((option: JsonSchema) => boolean)[] = [
    option => tag !== undefined && option.properties?.[tag]?.const === (value as Record<string, unknown> | undefined)?.[tag],
    option => toJson(filled(option, root)) === text,
    option => validate({ ...option, $defs: root.$defs }, value).length === 0,
    option => option.type === kind,
  ];
  for (const sign of signs) {
    const index = options.findIndex(sign);
    if (index >= 0) return index;
  }
  return 0;
}

export function UnionField(props: InputProps) {
  const options = choices(props.schema)!.options.map(option => resolve(option, props.root));
  const [said, setSaid] = useState<number | null>(null);
  const chosen = said ?? guess(options, props);
  const label = labelOf(props.schema, props.name);
  return (
    <div className="group">
      <select aria-label={`Kind of ${label}`} value={chosen} onChange={event => {
          const index = Number(event.target.value);
          setSaid(index);
          props.onChange(filled(options[index], props.root));
        }}
      >
        {options.map((option, index) => (
          <option key={index} value={index}>
            {nameOf(option)}
          </option>
        ))}
      </select>
      <Field key={chosen} {...props} schema={{ ...options[chosen], title: nameOf(options[chosen]), description: undefined }} />
    </div>
  );
}
