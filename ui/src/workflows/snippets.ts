// The same run started from elsewhere: text to copy.
import { url } from '../api/http';
import { segment } from '../common/segment';
import { rounded, toJson } from '../common/json';

const shellQuoted = (text: string) => `'${text.replace(/'/g, `'\\''`)}'`;

export function asCurl(workflow: string, input: unknown): string {
  const target = url(`/workflows/${segment(workflow)}/run-nowait`);
  return `curl -sS -X POST ${shellQuoted(target)} -H 'content-type: application/json' -d ${shellQuoted(toJson({ start_event: input }))}`;
}

/** JavaScript's own JSON cannot write large numbers: then the body is text. */
function typeScriptBody(input: unknown): string {
  const exact = toJson({ start_event: input });
  if (exact !== JSON.stringify(rounded({ start_event: input }))) return `'${exact.replace(/[\\']/g, '\\$&')}'`;
  return `JSON.stringify({ start_event: ${toJson(input, 2).replace(/\n/g, '\n  ')} })`;
}

export function asTypeScript(workflow: string, input: unknown): string {
  return `const response = await fetch(${JSON.stringify(url(`/workflows/${segment(workflow)}/run-nowait`))}, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: ${typeScriptBody(input)},
});
const { handler_id } = await response.json();
`;
}

function pythonLiteral(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return `[${value.map(pythonLiteral).join(', ')}]`;
  if (typeof value === 'object') return `{${Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${pythonLiteral(item)}`).join(', ')}}`;
  return JSON.stringify(value);
}

export function asPython(workflow: string, input: unknown): string {
  return `from workflows.client import WorkflowClient

client = WorkflowClient(base_url=${JSON.stringify(url(''))})
handler = await client.run_workflow_nowait(${JSON.stringify(workflow)}, start_event=${pythonLiteral(input)})
`;
}

/** A raw string whose delimiter the text does not contain. */
function cppRaw(text: string): string {
  let delimiter = 'json';
  while (text.includes(`)${delimiter}"`)) delimiter += '_';
  return `R"${delimiter}(${text})${delimiter}"`;
}

export function asCpp(workflow: string, input: unknown): string {
  return `const weir::Client client({.url = ${JSON.stringify(url(''))}});
const auto input = weir::parse_json(${cppRaw(toJson(input))});
const auto started = client.start(${JSON.stringify(workflow)}, input->as_object()).get();
`;
}
