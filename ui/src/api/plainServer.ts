// A server that speaks the protocol without Weir's additions, LlamaIndex's own for one: what it lacks is put together from
// what it has, or said to be missing.
import type { Handler, HandlerDetail, HandlerItem, HandlersPage, Schemas, UiConfig, WorkflowDetail } from './types';
import { toJson } from '../common/json';

/** How the protocol itself is asked; also answers that are no success, which some states of handlers are told with. */
export type Ask = (path: string) => Promise<unknown>;

const plainConfig: UiConfig = { server: 'other', version: '', needs_api_key: false, read_only: false, body_bytes_max: 0, capabilities: [] };

const item = (handler: Handler): HandlerItem => ({
  ...handler,
  run_id: handler.run_id ?? '',
  updated_at: handler.updated_at ?? handler.started_at,
  idle_since: null,
  waiting_for: [],
  parent_handler_id: null,
});

const detail = (handler: Handler): HandlerDetail => ({
  ...item(handler),
  input: null,
  question: null,
  unhandled: { count: 0, newest: [] },
  wake_at: null,
  workflow_version: '',
  last_sequence: -1,
  rerun_of: null,
  rerun_after: null,
  current_steps: [],
});

/** Newest first. */
async function handlers(ask: Ask): Promise<HandlerItem[]> {
  const answer = (await ask('/handlers')) as { handlers: Handler[] };
  return answer.handlers.map(item).sort((a, b) => Date.parse(b.started_at) - Date.parse(a.started_at));
}

const unit: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A time, or how long ago like 15m, as Weir takes it. */
function since(text: string): number {
  const ago = /^(\d+)([mhd])$/.exec(text);
  return ago ? Date.now() - Number(ago[1]) * unit[ago[2]] : Date.parse(text);
}

function matches(handler: HandlerItem, query: URLSearchParams): boolean {
  const names = query.getAll('workflow_name');
  const statuses = query.getAll('status');
  const text = query.get('q')?.toLowerCase();
  const from = query.get('since');
  if (query.has('awaits_event') || query.has('quarantined')) return false; // nothing is known of that
  if (names.length > 0 && !names.includes(handler.workflow_name)) return false;
  if (statuses.length > 0 && !statuses.includes(handler.status)) return false;
  if (from && Date.parse(handler.started_at) < since(from)) return false;
  return !text || toJson([handler.handler_id, handler.error, handler.result]).toLowerCase().includes(text);
}

async function page(ask: Ask, query: URLSearchParams): Promise<HandlersPage> {
  const found = (await handlers(ask)).filter(handler => matches(handler, query));
  const from = Number(query.get('cursor') ?? 0);
  const to = from + Number(query.get('limit'));
  return { handlers: found.slice(from, to), next_cursor: to < found.length ? String(to) : null, total: found.length, total_is_exact: true };
}

async function workflows(ask: Ask): Promise<Schemas['WorkflowsList']> {
  const { workflows: names } = (await ask('/workflows')) as { workflows: string[] };
  const all = await handlers(ask);
  const details = names.map((name): WorkflowDetail => {
    const own = all.filter(handler => handler.workflow_name === name);
    const number = (status: string) => own.filter(handler => handler.status === status).length;
    const [running, completed, failed, cancelled] = ['running', 'completed', 'failed', 'cancelled'].map(number);
    const unknown = { version: '', description: null, waiting: 0, quarantined: 0, p50_ms: null, p95_ms: null, recent_ms: [] };
    return { ...unknown, name, running, completed, failed, cancelled, last_started_at: own[0]?.started_at ?? null };
  });
  return { workflows: names, details };
}

/** The answer that Weir would give, as far as this server knows it. */
export async function answerPlainly(path: string, ask: Ask): Promise<unknown> {
  const { pathname, searchParams: query } = new URL(path, 'http://server');
  if (pathname === '/ui/config') return plainConfig;
  if (pathname === '/workflows') return workflows(ask);
  if (pathname === '/handlers') return page(ask, query);
  if (/^\/handlers\/[^/]+$/.test(pathname)) return detail((await ask(pathname)) as Handler);
  return ask(path);
}
