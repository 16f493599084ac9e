// One of several kinds of value.
import type { JsonSchema } from '../api/types';
import { choices, filled, kindOf, resolve, validate } from '../schema/schema';
import { Field, labelOf, type InputProps } from './Field';

const nameOf = (option: JsonSchema) => (option.title as string | undefined) ?? kindOf(option);

export function UnionField(props: InputProps) {
  const options = choices(props.schema)!.options.map(option => resolve(option, props.root));
  const fits = options.findIndex(option => validate({ ...option, $defs: props.root.$defs }, props.value).length === 0);
  const tag = (props.schema.discriminator as { propertyName?: string } | undefined)?.propertyName;
  const tagged = tag
    ? options.findIndex(option => option.properties?.[tag]?.const === (props.value as Record<string, unknown> | undefined)?.[tag])
    : -1;
  const kind = Array.isArray(props.value) ? 'array' : typeof props.value;
  const alike = options.findIndex(option => option.type === kind);
  const chosen = Math.max(0, [fits, tagged, alike].find(index => index >= 0) ?? 0);
  const label = labelOf(props.schema, props.name);
  return (
    <div className="group">
      <select aria-label={`Kind of ${label}`} value={chosen} onChange={event => props.onChange(filled(options[Number(event.target.value)], props.root))}>
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
