// What a run's steps kept after one of its events.
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { get } from '../api/http';
import type { Schemas } from '../api/types';
import { segment } from '../common/segment';

export type RunState = Schemas['RunState'];

export function useStateAt(handlerId: string, sequence: number | null) {
  return useQuery({
    queryKey: ['state', handlerId, sequence],
    enabled: sequence !== null,
    queryFn: ({ signal }) => get<RunState>(`/handlers/${segment(handlerId)}/state?at=${sequence}`, signal),
    placeholderData: keepPreviousData,
    retry: false,
  });
}
