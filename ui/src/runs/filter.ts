// Which runs are listed: what the URL says and the server is asked.
import type { Status } from '../api/types';

export interface RunsFilter {
  workflows: string[];
  status: Status | 'waiting' | '';
  text: string;
  since: string; // "1h", or a time
  until: string;
}

export const noFilter: RunsFilter = { workflows: [], status: '', text: '', since: '', until: '' };
export const statuses = ['running', 'waiting', 'completed', 'failed', 'cancelled'] as const;

export function filterOf(query: URLSearchParams): RunsFilter {
  const status = query.get('status') ?? '';
  return {
    workflows: (query.get('wf') ?? '').split(',').filter(Boolean),
    status: (statuses as readonly string[]).includes(status) ? (status as RunsFilter['status']) : '',
    text: query.get('find') ?? '',
    since: query.get('since') ?? '',
    until: query.get('until') ?? '',
  };
}
