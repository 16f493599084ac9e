import type { JsonSchema } from '../api/types';
import { Field, type InputProps } from './Field';

export function ObjectField(props: InputProps) {
  const value = (typeof props.value === 'object' && props.value !== null ? props.value : {}) as Record<string, unknown>;
  const set = (name: string, changed: unknown) => {
    const { [name]: _, ...others } = value;
    props.onChange(changed === undefined ? others : { ...value, [name]: changed });
  };
  return (
    <div className="group">
      {Object.entries<JsonSchema>(props.schema.properties).map(([name, schema]) => (
        <Field
          key={name}
          {...props}
          schema={schema}
          value={value[name]}
          name={name}
          path={props.path ? `${props.path}.${name}` : name}
          required={props.schema.required?.includes(name) ?? false}
          onChange={changed => set(name, changed)}
        />
      ))}
    </div>
  );
}
