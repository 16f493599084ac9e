// Places nodes in layers with dagre, which breaks cycles: edges that lead back are routed around the nodes between.
import dagre from '@dagrejs/dagre';
import type { DrawnGraph } from './foldEvents';

export interface Point {
  x: number;
  y: number;
}
export type Direction = 'LR' | 'TB';
export interface Layout {
  direction: Direction;
  positions: Record<string, Point>; // of the nodes' top left corners
  routes: Point[][]; // of each edge
  width: number;
  height: number;
}

export const nodeSize = { width: 190, height: 56 };

export function layout(graph: DrawnGraph, direction: Direction): Layout {
  const across = direction === 'LR';
  const layers = new dagre.graphlib.Graph({ multigraph: true });
  layers.setGraph({ rankdir: direction, nodesep: 28, ranksep: across ? 80 : 48, marginx: 12, marginy: 12 });
  for (const node of graph.nodes) layers.setNode(node.id, { ...nodeSize });
  graph.edges.forEach((edge, index) => {
    const width = edge.label ? Math.min(140, edge.label.length * 6 + 10) : 0;
    layers.setEdge(edge.source, edge.target, { width, height: edge.label ? 16 : 0, labelpos: 'c' }, String(index));
  });
  dagre.layout(layers);
  const positions: Record<string, Point> = {};
  for (const node of graph.nodes) {
    const at = layers.node(node.id);
    positions[node.id] = { x: at.x - nodeSize.width / 2, y: at.y - nodeSize.height / 2 };
  }
  const routes = graph.edges.map((edge, index) => layers.edge(edge.source, edge.target, String(index)).points as Point[]);
  const { width = 0, height = 0 } = layers.graph() as { width?: number; height?: number };
  return { direction, positions, routes, width, height };
}

/** Of the two directions the one that fits the pane with less shrinking. */
export function fittingLayout(graph: DrawnGraph, pane: { width: number; height: number }): Layout {
  const scale = (made: Layout) => Math.min(pane.width / Math.max(1, made.width), pane.height / Math.max(1, made.height));
  const [across, down] = [layout(graph, 'LR'), layout(graph, 'TB')];
  return scale(across) >= scale(down) ? across : down;
}

/** Through the points, rounded at the bends. */
export function smoothPath(points: Point[]): string {
  const [first, ...others] = points;
  let path = `M${first.x},${first.y}`;
  others.slice(0, -1).forEach((point, index) => {
    const next = others[index + 1];
    path += `Q${point.x},${point.y} ${(point.x + next.x) / 2},${(point.y + next.y) / 2}`;
  });
  const last = points[points.length - 1];
  return `${path}L${last.x},${last.y}`;
}
