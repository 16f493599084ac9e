// Which runs are listed: what the URL says and the server is asked.
import type { ShownStatus } from '../common/StatusBadge';

export interface RunsFilter {
  workflows: string[];
  status: ShownStatus | '';
  text: string;
  since: string; // "1h", or a time
  until: string;
}

export const noFilter: RunsFilter = { workflows: [], status: '', text: '', since: '', until: '' };
export const statuses = ['running', 'waiting', 'quarantined', 'completed', 'failed', 'cancelled'] as const;

export function filterOf(query: URLSearchParams): RunsFilter {
  const status = query.get('status') ?? '';
  return {
    workflows: [query.get('wf') ?? ''].filter(Boolean), // a name may hold every character, commas too
    status: (statuses as readonly string[]).includes(status) ? (status as RunsFilter['status']) : '',
    text: query.get('find') ?? '',
    since: query.get('since') ?? '',
    until: query.get('until') ?? '',
  };
}
