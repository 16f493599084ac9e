import { describe, expect, it } from 'vitest';
import { choices, filled, initial, kindOf, resolve, unwrap, validate } from '../src/schema/schema';

const tree = {
  $defs: { Node: { type: 'object', title: 'Node', properties: { name: { type: 'string' }, children: { type: 'array', items: { $ref: '#/$defs/Node' } } }, required: ['name'] } },
  $ref: '#/$defs/Node',
};
const order = {
  type: 'object',
  title: 'Order',
  properties: {
    item: { type: 'string', minLength: 1 },
    count: { type: 'integer', default: 2, minimum: 1 },
    note: { anyOf: [{ type: 'string' }, { type: 'null' }], default: null },
    colour: { enum: ['red', 'green'] },
    way: { anyOf: [{ type: 'object', title: 'ByCard', properties: { number: { type: 'string' } }, required: ['number'] }, { type: 'integer' }] },
    extras: { type: 'object', additionalProperties: { type: 'integer' } },
  },
  required: ['item', 'colour'],
};

describe('schemas', () => {
  it('are followed through $ref, also round in circles', () => {
    expect(resolve(tree, tree).title).toBe('Node');
    expect(initial(tree, tree)).toEqual({});
    expect(filled({ $ref: '#/$defs/Node' }, tree)).toEqual({});
  });

  it('say what kind of field they are', () => {
    const kinds = Object.values(order.properties).map(property => kindOf(unwrap(property, order).schema));
    expect(kinds).toEqual(['string', 'integer', 'string', 'enum', 'union', 'map']);
    expect(unwrap(order.properties.note, order).nullable).toBe(true);
    expect(choices({ type: ['string', 'null'] })).toMatchObject({ nullable: true });
    expect(kindOf({})).toBe('any');
    expect(kindOf({ const: 1 })).toBe('const');
  });

  it('give a form its first values', () => {
    expect(initial(order, order)).toEqual({ count: 2, note: null });
    expect(filled(order.properties.way, order)).toEqual({});
    expect(filled(order.properties.colour, order)).toBe('red');
  });

  it('find what is wrong, at the field', () => {
    expect(validate(order, { item: 'tea', colour: 'red' })).toEqual([]);
    const problems = validate(order, { item: '', count: 0 });
    expect(problems.map(problem => problem.path).sort()).toEqual(['colour', 'count', 'item']);
    expect(problems.find(problem => problem.path === 'colour')!.message).toBe('This is required.');
    expect(validate(tree, { name: 'a', children: [{ children: [] }] })[0].path).toBe('children.0.name');
  });
});
