// One field of a form, of whatever kind its schema says.
import { useId } from 'react';
import type { JsonSchema } from '../api/types';
import { Icon } from '../common/Icon';
import { filled, kindOf, unwrap, type Problem } from '../schema/schema';
import { ListField } from './ListField';
import { MapField } from './MapField';
import { ObjectField } from './ObjectField';
import { RawField } from './RawField';
import { ChoiceInput, ConstInput, NumberInput, SwitchInput, TextInput } from './inputs';
import { UnionField } from './UnionField';

export interface FieldProps {
  schema: JsonSchema;
  root: JsonSchema;
  value: unknown;
  onChange: (value: unknown) => void; // undefined: the field is left out
  name: string;
  path: string; // "order.items.0"
  required: boolean;
  problems: Problem[]; // of the whole form
}

/** A field whose schema has been looked through: no $ref, no optional. */
export interface InputProps extends FieldProps {
  id: string;
  invalid: boolean;
  describedBy: string;
}

const inputs = {
  const: ConstInput,
  enum: ChoiceInput,
  boolean: SwitchInput,
  integer: NumberInput,
  number: NumberInput,
  string: TextInput,
  any: RawField,
};
const groups = { array: ListField, object: ObjectField, map: MapField, union: UnionField };

export const labelOf = (schema: JsonSchema, name: string): string => (schema.title as string | undefined) ?? name.replace(/_/g, ' ');

export function Field(props: FieldProps) {
  const id = useId();
  const { schema, nullable } = unwrap(props.schema, props.root);
  const kind = kindOf(schema);
  const label = labelOf(schema, props.name);
  const problem = props.problems.find(found => found.path === props.path);
  const empty = nullable && (props.value === null || props.value === undefined);
  const Group = kind in groups ? groups[kind as keyof typeof groups] : null;
  const Input = inputs[kind as keyof typeof inputs];
  const describedBy = [schema.description && `${id}-help`, problem && `${id}-problem`].filter(Boolean).join(' ');
  const inner: InputProps = { ...props, schema, id, invalid: Boolean(problem), describedBy };
  const isGroup = Group !== null && !empty;
  const Box = isGroup ? 'fieldset' : 'div';
  const Label = isGroup ? 'legend' : 'label';
  return (
    <Box className={`field field-${kind}`} data-path={props.path}>
      {label && (
        <Label {...(isGroup ? {} : { htmlFor: id })}>
          {label}
          {props.required && (
            <span className="required" title="required">
              {' '}
              *
            </span>
          )}{' '}
          <span className="kind">
            {(schema.format as string | undefined) ?? kind}
            {nullable ? ', optional' : ''}
          </span>
        </Label>
      )}
      {schema.description && (
        <p className="help" id={`${id}-help`}>
          {String(schema.description)}
        </p>
      )}
      {empty ? (
        <button type="button" id={id} className="quiet" aria-label={`Set a value for ${label}`} onClick={() => props.onChange(filled(schema, props.root))}>
          <Icon name="plus" /> Set a value
        </button>
      ) : (
        <div className="field-row">
          {Group ? <Group {...inner} /> : <Input {...inner} />}
          {nullable && (
            <button type="button" className="quiet" onClick={() => props.onChange(null)} aria-label={`Leave ${label} empty`} title="Leave empty">
              <Icon name="cross" />
            </button>
          )}
        </div>
      )}
      {problem && (
        <p className="problem" id={`${id}-problem`}>
          {problem.message}
        </p>
      )}
    </Box>
  );
}
