import { Icon } from '../common/Icon';
import { filled } from '../schema/schema';
import { Field, labelOf, type InputProps } from './Field';

function moved(list: unknown[], from: number, to: number): unknown[] {
  const out = [...list];
  out.splice(to, 0, ...out.splice(from, 1));
  return out;
}

export function ListField(props: InputProps) {
  const items = Array.isArray(props.value) ? (props.value as unknown[]) : [];
  const schema = props.schema.items ?? {};
  const label = labelOf(props.schema, props.name);
  return (
    <div className="group">
      {items.map((item, index) => (
        <div className="item" key={index}>
          <Field
            {...props}
            schema={{ title: `${index + 1}`, ...schema }}
            value={item}
            name={String(index)}
            path={props.path ? `${props.path}.${index}` : String(index)}
            required
            onChange={value => props.onChange(items.map((old, at) => (at === index ? (value ?? filled(schema, props.root)) : old)))}
          />
          <button type="button" className="quiet" disabled={index === 0} aria-label={`Move item ${index + 1} of ${label} up`} onClick={() => props.onChange(moved(items, index, index - 1))}>
            ↑
          </button>
          <button type="button" className="quiet" aria-label={`Remove item ${index + 1} of ${label}`} onClick={() => props.onChange(items.filter((_, at) => at !== index))}>
            <Icon name="cross" />
          </button>
        </div>
      ))}
      <button type="button" className="quiet" onClick={() => props.onChange([...items, filled(schema, props.root)])}>
        <Icon name="plus" /> Add to {label || 'the list'}
      </button>
    </div>
  );
}
