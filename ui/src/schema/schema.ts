// What a form needs to know of a JSON Schema, as pydantic and Weir write them.
import { Validator } from '@cfworker/json-schema';
import type { JsonSchema } from '../api/types';
import { rounded } from '../common/json';

/** Follows $ref and a lone allOf; what stands beside the $ref wins. */
export function resolve(schema: JsonSchema | undefined, root: JsonSchema): JsonSchema {
  let out: JsonSchema = schema ?? {};
  for (let hops = 0; out.$ref && hops < 32; hops++) {
    const { $ref, ...beside } = out;
    const steps = String($ref).replace(/^#\/?/, '').split('/').filter(Boolean);
    const target = steps.reduce<JsonSchema | undefined>(
      (at, step) => at?.[step.replace(/~1/g, '/').replace(/~0/g, '~')] as JsonSchema | undefined,
      root,
    );
    out = { ...target, ...beside };
  }
  if (out.allOf?.length === 1) {
    const { allOf, ...beside } = out;
    return resolve({ ...allOf[0], ...beside }, root);
  }
  return out;
}

export interface Choices {
  options: JsonSchema[]; // without null
  nullable: boolean;
}

/** Of anyOf, oneOf or a list of types; null when the schema is none of these. */
export function choices(schema: JsonSchema): Choices | null {
  const list: JsonSchema[] | undefined =
    schema.anyOf ?? schema.oneOf ?? (Array.isArray(schema.type) ? schema.type.map((type: string) => ({ ...schema, type })) : undefined);
  if (!list) return null;
  const options = list.filter(option => option.type !== 'null');
  return { options, nullable: options.length !== list.length };
}

export type FieldKind = 'const' | 'enum' | 'boolean' | 'integer' | 'number' | 'string' | 'array' | 'object' | 'map' | 'union' | 'any';

/** The schema behind an optional, and whether null is allowed. */
export function unwrap(schema: JsonSchema, root: JsonSchema): { schema: JsonSchema; nullable: boolean } {
  const resolved = resolve(schema, root);
  const found = choices(resolved);
  if (found?.options.length !== 1) return { schema: resolved, nullable: found?.nullable ?? false };
  const { title, description, default: fallback } = resolved;
  const inner = { ...resolve(found.options[0], root) };
  if (title !== undefined) inner.title = title;
  if (description !== undefined) inner.description = description;
  if (fallback !== undefined) inner.default = fallback;
  return { schema: inner, nullable: found.nullable };
}

export function kindOf(schema: JsonSchema): FieldKind {
  if (schema.const !== undefined) return 'const';
  if (schema.enum) return 'enum';
  if (choices(schema)) return 'union';
  if (schema.properties) return 'object';
  if (schema.type === 'object') return 'map';
  if (['boolean', 'integer', 'number', 'string', 'array'].includes(schema.type as string)) return schema.type as FieldKind;
  return 'any';
}

/** What a new value of the schema looks like; undefined when the person has to say. */
export function initial(given: JsonSchema, root: JsonSchema, depth = 0): unknown {
  const resolved = resolve(given, root);
  if (resolved.default !== undefined) return structuredClone(resolved.default);
  const { schema, nullable } = unwrap(resolved, root);
  if (nullable) return null;
  switch (kindOf(schema)) {
    case 'const':
      return schema.const;
    case 'union':
      return initial(choices(schema)!.options[0], root, depth + 1);
    case 'object': {
      if (depth > 6) return {};
      const out: Record<string, unknown> = {};
      for (const [name, property] of Object.entries<JsonSchema>(schema.properties)) {
        const needed = schema.required?.includes(name) || resolve(property, root).default !== undefined;
        const value = needed ? initial(property, root, depth + 1) : undefined;
        if (value !== undefined) out[name] = value;
      }
      return out;
    }
    case 'map':
      return {};
    case 'array':
      return [];
    case 'boolean':
      return false;
    case 'enum':
      return schema.enum.length === 1 ? schema.enum[0] : undefined;
    default:
      return undefined;
  }
}

/** A value for somebody who has asked for one: never undefined. */
export function filled(schema: JsonSchema, root: JsonSchema): unknown {
  const value = initial(schema, root);
  if (value !== undefined && value !== null) return value;
  const inner = unwrap(schema, root).schema;
  const made = initial(inner, root);
  if (made !== undefined && made !== null) return made;
  return { integer: 0, number: 0, string: '', enum: inner.enum?.[0], boolean: false }[kindOf(inner) as string] ?? '';
}

export interface Problem {
  path: string; // "order.items.0.name"; empty: the whole value
  message: string;
}

const ofContainers = new Set(['properties', 'items', '$ref', 'anyOf', 'oneOf', 'allOf', 'additionalProperties', 'prefixItems']);

function plain(message: string): string {
  if (/\d{16}/.test(message)) return 'This is beyond what the field holds.'; // the numbers in it are rounded
  return message.replace(/^Property "[^"]*" does not match schema\.$/, 'This is not valid.').replace(/^Instance /, 'The value ');
}

function toPath(location: string): string {
  return location.replace(/^#\/?/, '').replace(/\//g, '.');
}

export function validate(schema: JsonSchema, value: unknown): Problem[] {
  // The validator knows no undefined, and no bigint.
  const { errors } = new Validator(rounded(schema) as JsonSchema, '2020-12', false).validate(rounded(value));
  const telling = errors.filter(error => !ofContainers.has(error.keyword));
  return (telling.length > 0 ? telling : errors.slice(0, 1)).map(error => {
    const missing = error.keyword === 'required' ? /"([^"]+)"/.exec(error.error)?.[1] : undefined;
    const path = toPath(error.instanceLocation);
    if (!missing) return { path, message: plain(error.error) };
    return { path: path ? `${path}.${missing}` : missing, message: 'This is required.' };
  });
}
