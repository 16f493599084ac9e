// The graph with steps alone: an event that only leads from step to step becomes the label of an edge.
import type { Graph, GraphNode } from '../api/types';

export interface DrawnEdge {
  source: string;
  target: string;
  label: string | null;
}

export interface DrawnGraph {
  nodes: Graph['nodes'];
  edges: DrawnEdge[];
}

export function drawn(graph: Graph): DrawnGraph {
  const label = (edge: Graph['edges'][number]) => edge.label ?? (edge.list ? 'list' : null);
  return { nodes: graph.nodes, edges: graph.edges.map(edge => ({ source: edge.source, target: edge.target, label: label(edge) })) };
}

export function foldEvents(graph: Graph): DrawnGraph {
  const into = new Map<string, string[]>();
  const outOf = new Map<string, string[]>();
  const add = (map: Map<string, string[]>, key: string, value: string) => map.set(key, [...(map.get(key) ?? []), value]);
  for (const edge of graph.edges) {
    add(into, edge.target, edge.source);
    add(outOf, edge.source, edge.target);
  }
  const between = (node: GraphNode) => node.node_type === 'event' && into.has(node.id) && outOf.has(node.id) && !begins(node);
  const folded = new Set(graph.nodes.filter(between).map(node => node.id));
  const lists = new Set(graph.edges.filter(edge => edge.list).map(edge => `${edge.source}\n${edge.target}`));
  const label = (source: string, node: GraphNode) => (lists.has(`${source}\n${node.id}`) ? `[${node.label}]` : node.label);
  const edges = drawn(graph).edges.filter(edge => !folded.has(edge.source) && !folded.has(edge.target));
  for (const node of graph.nodes)
    if (folded.has(node.id))
      for (const source of into.get(node.id)!) for (const target of outOf.get(node.id)!) edges.push({ source, target, label: label(source, node) });
  return { nodes: graph.nodes.filter(node => !folded.has(node.id)), edges: merged(edges) };
}

/** A run's first event stays to be seen, also when a step makes another of it. */
const begins = (node: GraphNode) => node.event_types?.includes('StartEvent') ?? false;

/** Several events between the same two steps are one edge. */
function merged(edges: DrawnEdge[]): DrawnEdge[] {
  const byEnds = new Map<string, DrawnEdge>();
  for (const edge of edges) {
    const key = `${edge.source}\n${edge.target}`;
    const known = byEnds.get(key);
    if (!known) byEnds.set(key, { ...edge });
    else if (edge.label && !known.label?.split(', ').includes(edge.label)) known.label = known.label ? `${known.label}, ${edge.label}` : edge.label;
  }
  return [...byEnds.values()];
}
