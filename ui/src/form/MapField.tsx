// An object with keys of the person's choice.
import { Icon } from '../common/Icon';
import type { JsonSchema } from '../api/types';
import { filled } from '../schema/schema';
import { Field, labelOf, type InputProps } from './Field';

function freeKey(taken: Record<string, unknown>): string {
  for (let n = 1; ; n++) if (!(`key${n}` in taken)) return `key${n}`;
}

export function MapField(props: InputProps) {
  const value = (typeof props.value === 'object' && props.value !== null ? props.value : {}) as Record<string, unknown>;
  const given = props.schema.additionalProperties as JsonSchema | boolean | undefined;
  const schema: JsonSchema = typeof given === 'object' ? given : {};
  const label = labelOf(props.schema, props.name);
  const rename = (from: string, to: string) =>
    props.onChange(Object.fromEntries(Object.entries(value).map(([key, item]) => [key === from ? to : key, item])));
  return (
    <div className="group">
      {Object.entries(value).map(([key, item], index) => (
        <div className="item" key={index}>
          <input
            className="key"
            aria-label={`Key ${index + 1} of ${label}`}
            defaultValue={key}
            onBlur={event => event.target.value !== key && !(event.target.value in value) && rename(key, event.target.value)}
          />
          <Field
            {...props}
            schema={{ ...schema, title: key }}
            value={item}
            name={key}
            path={props.path ? `${props.path}.${key}` : key}
            required
            onChange={changed => props.onChange({ ...value, [key]: changed ?? null })}
          />
          <button
            type="button"
            className="quiet"
            aria-label={`Remove ${key} of ${label}`}
            onClick={() => props.onChange(Object.fromEntries(Object.entries(value).filter(([other]) => other !== key)))}
          >
            <Icon name="cross" />
          </button>
        </div>
      ))}
      <button type="button" className="quiet" onClick={() => props.onChange({ ...value, [freeKey(value)]: filled(schema, props.root) })}>
        <Icon name="plus" /> Add to {label || 'the map'}
      </button>
    </div>
  );
}
