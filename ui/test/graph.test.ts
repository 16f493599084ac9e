import { describe, expect, it } from 'vitest';
import type { Graph } from '../src/api/types';
import { drawn, foldEvents } from '../src/graph/foldEvents';
import { fittingLayout, layout, nodeSize, smoothPath } from '../src/graph/layout';

const step = (id: string) => ({ id, label: id, node_type: 'step' });
const event = (id: string, types: string[] = []) => ({ id, label: id, node_type: 'event', event_types: [id, ...types] });
const loop: Graph = {
  nodes: [event('Begin', ['StartEvent']), step('draft'), event('Draft'), step('judge'), event('Again'), event('End', ['StopEvent'])],
  edges: [
    { source: 'Begin', target: 'draft' },
    { source: 'draft', target: 'Draft' },
    { source: 'Draft', target: 'judge' },
    { source: 'judge', target: 'Again' },
    { source: 'Again', target: 'draft' },
    { source: 'judge', target: 'End' },
  ],
};

describe('the graph', () => {
  it('shows lists in brackets', () => {
    const [first, ...others] = loop.edges.slice(1);
    const listed = { nodes: loop.nodes, edges: [loop.edges[0], { ...first, list: true }, ...others] };
    expect(foldEvents(listed).edges.find(edge => edge.source === 'draft' && edge.target === 'judge')?.label).toBe('[Draft]');
    expect(drawn(listed).edges.find(edge => edge.source === 'draft')?.label).toBe('list');
  });

  it('folds events between steps into edges, and keeps the first and the last', () => {
    const folded = foldEvents(loop);
    expect(folded.nodes.map(node => node.id)).toEqual(['Begin', 'draft', 'judge', 'End']);
    expect(folded.edges.find(edge => edge.source === 'judge' && edge.target === 'draft')?.label).toBe('Again');
  });

  it('lays loops out without nodes upon nodes, in both directions', () => {
    for (const direction of ['LR', 'TB'] as const) {
      const { positions } = layout(drawn(loop), direction);
      const places = Object.values(positions);
      places.forEach((a, index) =>
        places.slice(index + 1).forEach(b => {
          const apart = Math.abs(a.x - b.x) >= nodeSize.width || Math.abs(a.y - b.y) >= nodeSize.height;
          expect(apart).toBe(true);
        }),
      );
      const along = direction === 'LR' ? 'x' : 'y';
      expect(positions.judge[along]).toBeGreaterThan(positions.draft[along]);
    }
  });

  it('chooses the direction that fits', () => {
    expect(fittingLayout(drawn(loop), { width: 2000, height: 200 }).direction).toBe('LR');
    expect(fittingLayout(drawn(loop), { width: 300, height: 2000 }).direction).toBe('TB');
    expect(smoothPath([{ x: 0, y: 0 }, { x: 5, y: 5 }, { x: 10, y: 0 }])).toBe('M0,0Q5,5 7.5,2.5L10,0');
  });
});
