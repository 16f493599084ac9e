import { expect, test } from 'vitest';
import { href, parseHash } from '../src/app/router';
import { isLarge, parseJson, rounded, toJson } from '../src/common/json';
import { validate } from '../src/schema/schema';
import { asPython, asTypeScript } from '../src/workflows/snippets';

test('whole numbers beyond 2^53 are read and written exactly, everything else as the platform does', () => {
  const text = '{"a":18446744073709551615,"b":[-9223372036854775808,9007199254740991,1.5,1e300],"c":"18446744073709551615 \\" 12345678901234567890"}';
  const value = parseJson(text) as Record<string, unknown>;
  expect(value.a).toBe(18446744073709551615n);
  expect(value.b).toEqual([-9223372036854775808n, 9007199254740991, 1.5, 1e300]);
  expect(value.c).toBe('18446744073709551615 " 12345678901234567890');
  expect(toJson(value)).toBe(text.replace('1e300', '1e+300'));
  expect(toJson({ n: 9007199254740993n }, 1)).toBe('{\n "n": 9007199254740993\n}');
  expect(toJson(undefined)).toBe(undefined);
  expect(isLarge('9007199254740991')).toBe(false);
  expect(isLarge('9007199254740993')).toBe(true);
  expect(isLarge('12345678901234567890.5')).toBe(false);
});

test('strings end where they end, and what is no JSON stays none', () => {
  for (const text of ['"\\\\"', '["\\\\\\"", 12345678901234567890]', '{"12345678901234567890": 12345678901234567890}', '"\\u0022 12345678901234567890"'])
    expect(toJson(parseJson(text))).toBe(toJson(JSON.parse(text, (_, v) => (v === 12345678901234567890 ? 12345678901234567890n : v))));
  for (const text of ['{12345678901234567890: 1}', '{12345678901234567890 : 1}', '012345678901234567890', '12345678901234567890 12345678901234567890', '12345678901234567890x', '"12345678901234567890', '-', '["12345678901234567890\\"]', ''])
    expect(() => parseJson(text)).toThrow(SyntaxError);
});

test('forms check large numbers, and code to copy holds them', () => {
  const schema = { type: 'object', properties: { n: { type: 'integer', minimum: 0n, maximum: 18446744073709551615n } } };
  expect(validate(schema, { n: 18446744073709551615n })).toEqual([]);
  expect(validate(schema, { n: -18446744073709551615n }).map(problem => problem.path)).toEqual(['n']);
  expect(validate(schema, { n: -18446744073709551615n })[0].message).not.toMatch(/\d{16}/);
  expect(rounded({ n: 2n, gone: undefined })).toEqual({ n: 2 });
  expect(asPython('w', { n: 9007199254740993n })).toContain('{"n": 9007199254740993}');
  expect(asTypeScript('w', { n: 9007199254740993n, s: "it's" })).toContain(`body: '{"start_event":{"n":9007199254740993,"s":"it\\'s"}}'`);
  expect(asTypeScript('w', { n: 5 })).toContain('body: JSON.stringify({ start_event: {');
});

test('names are segments of a path whatever they hold; a hash that is no encoding stands for itself', () => {
  for (const name of ['a/b', '100%', 'a%2Fb', "what's ?#&,", 'žluť']) {
    const { path, query } = parseHash(href(['w', name, 'r', name], { vs: name }));
    expect(path).toEqual(['w', name, 'r', name]);
    expect(query.get('vs')).toBe(name);
  }
  expect(parseHash('#/w/100%').path).toEqual(['w', '100%']);
  expect(parseHash('#/w/%E4%A/r').path).toEqual(['w', '%E4%A', 'r']);
  expect(parseHash('').path).toEqual([]);
  expect(parseHash('#/runs?find=a?b').query.get('find')).toBe('a?b');
});
