// What is asked of the server once and kept.
import { useInfiniteQuery, useQuery, useQueryClient, type InfiniteData, type QueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import type { RunsFilter } from '../runs/filter';
import { get } from './http';
import { tabStream } from './tabStream';
import type { Graph, HandlerDetail, HandlerItem, HandlersPage, JsonSchema, Schemas, UiConfig } from './types';
import { segment } from '../common/segment';

export const useConfig = () =>
  useQuery({ queryKey: ['config'], queryFn: ({ signal }) => get<UiConfig>('/ui/config', signal), staleTime: Infinity });

/** May runs be started, answered and ended here? */
export function useMayAct(): boolean {
  const config = useConfig();
  return config.data !== undefined && !config.data.read_only;
}

export const useWorkflows = () =>
  useQuery({
    queryKey: ['workflows'],
    queryFn: ({ signal }) => get<Required<Schemas['WorkflowsList']>>('/workflows?detail=true', signal),
    refetchInterval: 15_000,
  });

export const useGraph = (workflow: string | undefined) =>
  useQuery({
    queryKey: ['graph', workflow],
    enabled: workflow !== undefined,
    queryFn: ({ signal }) => get<{ graph: Graph }>(`/workflows/${segment(workflow!)}/representation?detail=true`, signal).then(body => body.graph),
    staleTime: 60_000,
    retry: 1,
  });

export const useSchema = (workflow: string | undefined) =>
  useQuery({
    queryKey: ['schema', workflow],
    enabled: workflow !== undefined,
    queryFn: ({ signal }) => get<{ start: JsonSchema; stop: JsonSchema }>(`/workflows/${segment(workflow!)}/schema`, signal),
    staleTime: 60_000,
  });

export const useEventSchemas = (workflow: string | undefined) =>
  useQuery({
    queryKey: ['events', workflow],
    enabled: workflow !== undefined,
    queryFn: ({ signal }) => get<{ events: JsonSchema[] }>(`/workflows/${segment(workflow!)}/events`, signal).then(body => body.events),
    staleTime: 60_000,
  });

export const useStatistics = (workflow: string) =>
  useQuery({
    queryKey: ['workflows', workflow, 'statistics'],
    queryFn: ({ signal }) => get<Schemas['WorkflowStatistics']>(`/workflows/${segment(workflow)}/stats`, signal),
  });

export const useHandler = (handlerId: string | undefined) =>
  useQuery({
    queryKey: ['handler', handlerId],
    enabled: handlerId !== undefined,
    queryFn: ({ signal }) => get<HandlerDetail>(`/handlers/${segment(handlerId!)}?detail=true`, signal),
    retry: 1,
  });

const pageSize = 100;

export const useRuns = (filter: RunsFilter) =>
  useInfiniteQuery({
    queryKey: ['runs', filter],
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) => get<HandlersPage>(`/handlers?${runsQuery(filter, pageParam)}`, signal),
    getNextPageParam: page => page.next_cursor ?? undefined,
    refetchInterval: 30_000,
    placeholderData: before => before,
  });

export function runsQuery(filter: RunsFilter, cursor = '', limit = pageSize): string {
  const query = new URLSearchParams({ limit: String(limit) });
  if (cursor) query.set('cursor', cursor);
  for (const name of filter.workflows) query.append('workflow_name', name);
  if (filter.status === 'waiting') query.set('awaits_event', 'true');
  if (filter.status === 'quarantined') query.set('quarantined', 'true');
  if (filter.status) query.append('status', filter.status === 'waiting' || filter.status === 'quarantined' ? 'running' : filter.status);
  if (filter.text) query.set('q', filter.text);
  if (filter.since) query.set('since', filter.since);
  if (filter.until) query.set('until', filter.until);
  return query.toString();
}

type Pages = InfiniteData<HandlersPage, string>;

function updateLists(client: QueryClient, handlers: HandlerItem[]) {
  const known = new Map(handlers.map(handler => [handler.handler_id, handler]));
  const seen = new Set<string>();
  client.setQueriesData<Pages>({ queryKey: ['runs'] }, pages => {
    if (!pages) return pages;
    const update = (handler: HandlerItem) => {
      const changed = known.get(handler.handler_id);
      if (changed) seen.add(handler.handler_id);
      return changed ?? handler;
    };
    return { ...pages, pages: pages.pages.map(page => ({ ...page, handlers: page.handlers.map(update) })) };
  });
  return handlers.some(handler => !seen.has(handler.handler_id));
}

/** Keeps lists and details in step with the server while mounted: once, in the page's frame. */
export function useLiveLists() {
  const client = useQueryClient();
  useEffect(() => {
    let timer = 0;
    const refetchSoon = () => {
      if (timer) return;
      timer = window.setTimeout(() => {
        timer = 0;
        for (const key of ['runs', 'workflows', 'inbox']) void client.invalidateQueries({ queryKey: [key] });
      }, 500);
    };
    const stop = tabStream.followList({
      onChanges: (handlers, gone) => {
        updateLists(client, handlers);
        for (const handler of handlers) void client.invalidateQueries({ queryKey: ['handler', handler.handler_id] });
        for (const id of gone) client.removeQueries({ queryKey: ['handler', id] });
        refetchSoon(); // new rows, rows that no longer match, counts
      },
      onReset: () => void client.invalidateQueries(),
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [client]);
}
