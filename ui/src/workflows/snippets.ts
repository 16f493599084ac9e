// The same run started from elsewhere: text to copy.
import { url } from '../api/http';

const shellQuoted = (text: string) => `'${text.replace(/'/g, `'\\''`)}'`;

export function asCurl(workflow: string, input: unknown): string {
  const target = url(`/workflows/${encodeURIComponent(workflow)}/run-nowait`);
  return `curl -sS -X POST ${shellQuoted(target)} -H 'content-type: application/json' -d ${shellQuoted(JSON.stringify({ start_event: input }))}`;
}

export function asTypeScript(workflow: string, input: unknown): string {
  return `const response = await fetch(${JSON.stringify(url(`/workflows/${encodeURIComponent(workflow)}/run-nowait`))}, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ start_event: ${JSON.stringify(input, null, 2).replace(/\n/g, '\n  ')} }),
});
const { handler_id } = await response.json();
`;
}

function pythonLiteral(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
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
const auto input = weir::parse_json(${cppRaw(JSON.stringify(input))});
const auto started = client.start(${JSON.stringify(workflow)}, input->as_object()).get();
`;
}
