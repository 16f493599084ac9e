// A workflow's graph: laid out, moved about, and lit by what a run does.
import { Background, Controls, MarkerType, MiniMap, ReactFlow, useNodesState, type Edge, type Node, type ReactFlowInstance } from '@xyflow/react';
import '@xyflow/react/dist/style.css';
import { useEffect, useMemo, useRef, useState } from 'react';
import type { Graph, GraphNode } from '../api/types';
import { remember, remembered } from '../app/preferences';
import { eventKey, type States } from '../model/states';
import { drawn, foldEvents, type DrawnGraph } from './foldEvents';
import { fittingLayout, nodeSize, type Layout, type Point } from './layout';
import { GraphNodeView, RoutedEdge, type EdgeData, type NodeData } from './Nodes';

interface Props {
  workflow: string;
  graph: Graph;
  states?: States;
  means?: Map<string, number>;
  deltas?: Map<string, string>;
  selected?: string;
  onSelect?: (id: string | undefined) => void;
  dark: boolean;
}

const nodeTypes = { any: GraphNodeView };
const edgeTypes = { routed: RoutedEdge };
const manyNodes = 150;
const fit = { padding: 0.1, maxZoom: 1.1, minZoom: 0.3 };

const stateKey = (node: GraphNode) => (node.node_type === 'event' ? eventKey(node.event_type ?? node.label) : node.id);

function makeNodes(graph: DrawnGraph, made: Layout, moved: Record<string, Point>): Node<NodeData>[] {
  return graph.nodes.map(node => ({
    id: node.id,
    type: 'any',
    position: moved[node.id] ?? made.positions[node.id],
    data: { label: node.label, kind: node.node_type, title: node.description ?? node.label, direction: made.direction },
    ...nodeSize,
    deletable: false,
    connectable: false,
  }));
}

function makeEdges(graph: DrawnGraph, made: Layout, moved: Record<string, Point>, states: States | undefined): Edge<EdgeData>[] {
  return graph.edges.map((edge, index) => {
    const touched = edge.source in moved || edge.target in moved;
    return {
      id: String(index),
      type: 'routed',
      source: edge.source,
      target: edge.target,
      data: { label: edge.label, route: touched ? undefined : made.routes[index] },
      animated: Boolean(states?.get(edge.target)?.running),
      focusable: false,
      markerEnd: { type: MarkerType.ArrowClosed },
    };
  });
}

export function GraphView({ workflow, graph, states, means, deltas, selected, onSelect, dark }: Props) {
  const pane = useRef<HTMLDivElement>(null);
  const flow = useRef<ReactFlowInstance<Node<NodeData>, Edge<EdgeData>> | null>(null);
  const movedByHand = useRef(false); // the whole graph stays in sight until its reader has moved it
  const [withEvents, setWithEvents] = useState(() => remembered<boolean>('graph.events', false));
  const [size, setSize] = useState({ width: 800, height: 400 });
  const shown = useMemo(() => (withEvents ? drawn(graph) : foldEvents(graph)), [graph, withEvents]);
  const memory = `positions.${workflow}.${withEvents ? 'events' : 'steps'}`;
  const [moved, setMoved] = useState<Record<string, Point>>(() => remembered(memory, {}));
  useEffect(() => setMoved(remembered(memory, {})), [memory]);

  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => {
      const { width, height } = entry.contentRect;
      setSize(before => (Math.abs(before.width - width) < 80 && Math.abs(before.height - height) < 80 ? before : { width, height }));
      requestAnimationFrame(() => {
        if (!movedByHand.current) void flow.current?.fitView(fit);
      });
    });
    observer.observe(pane.current!);
    return () => observer.disconnect();
  }, []);

  const made = useMemo(() => fittingLayout(shown, size), [shown, size]);
  const [nodes, setNodes, onNodesChange] = useNodesState<Node<NodeData>>([]);
  useEffect(() => setNodes(makeNodes(shown, made, moved)), [shown, made, moved, setNodes]);
  useEffect(() => {
    const byId = new Map(shown.nodes.map(node => [node.id, node]));
    setNodes(present =>
      present.map(node => {
        const state = byId.has(node.id) ? states?.get(stateKey(byId.get(node.id)!)) : undefined;
        const [mean, delta] = [means?.get(node.id), deltas?.get(node.id)];
        const same = node.data.state === state && node.data.mean === mean && node.data.delta === delta;
        if (same && node.selected === (node.id === selected)) return node;
        return { ...node, selected: node.id === selected, data: { ...node.data, state, mean, delta } };
      }),
    );
  }, [states, means, deltas, selected, shown, made, moved, setNodes]);
  const edges = useMemo(() => makeEdges(shown, made, moved, states), [shown, made, moved, states]);

  const keep = (positions: Record<string, Point>) => {
    setMoved(positions);
    remember(memory, Object.keys(positions).length > 0 ? positions : undefined);
  };
  return (
    <div className="graph" ref={pane} data-testid="graph">
      <ReactFlow
        key={`${memory}.${made.direction}`}
        onInit={instance => {
          flow.current = instance;
          movedByHand.current = false;
        }}
        onMoveStart={event => (movedByHand.current ||= event !== null)}
        nodes={nodes}
        edges={edges}
        nodeTypes={nodeTypes}
        edgeTypes={edgeTypes}
        onNodesChange={onNodesChange}
        onNodeClick={(_, node) => onSelect?.(node.id)}
        onPaneClick={() => onSelect?.(undefined)}
        onNodeDragStop={(_, node) => keep({ ...moved, [node.id]: node.position })}
        colorMode={dark ? 'dark' : 'light'}
        fitView
        fitViewOptions={fit}
        minZoom={0.1}
        nodesConnectable={false}
        onlyRenderVisibleElements={shown.nodes.length > manyNodes}
        proOptions={{ hideAttribution: true }}
        aria-label={`Graph of ${workflow}`}
      >
        <Background gap={18} />
        {size.height > 260 && <Controls showInteractive={false} />}
        {shown.nodes.length > 20 && <MiniMap pannable zoomable />}
      </ReactFlow>
      <div className="graph-tools">
        <button
          aria-pressed={withEvents}
          onClick={() => {
            remember('graph.events', !withEvents);
            setWithEvents(!withEvents);
          }}
        >
          Events as nodes
        </button>
        <button onClick={() => keep({})}>Auto-layout</button>
      </div>
    </div>
  );
}
