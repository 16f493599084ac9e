// Rows of runs as far as they are in sight; more pages are fetched when the end comes near.
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useMemo, useRef } from 'react';
import { useRuns } from '../api/queries';
import type { RunsFilter } from './filter';

export function useVirtualRuns(filter: RunsFilter, rowHeight: number) {
  const runs = useRuns(filter);
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = runs;
  const rows = useMemo(() => runs.data?.pages.flatMap(page => page.handlers) ?? [], [runs.data]);
  const box = useRef<HTMLDivElement>(null);
  const list = useVirtualizer({ count: rows.length, getScrollElement: () => box.current, estimateSize: () => rowHeight, overscan: 10 });
  const items = list.getVirtualItems();
  const lastSeen = items.length > 0 ? items[items.length - 1].index : 0;
  useEffect(() => {
    if (lastSeen >= rows.length - 20 && hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [lastSeen, rows.length, hasNextPage, isFetchingNextPage, fetchNextPage]);
  const first = runs.data?.pages[0];
  return { runs, rows, box, list, items, total: first?.total ?? 0, totalIsExact: first?.total_is_exact ?? true };
}
