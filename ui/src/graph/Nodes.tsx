// Nodes and edges of the graph, as React Flow draws them.
import { BaseEdge, EdgeLabelRenderer, getBezierPath, Handle, Position, type Edge, type EdgeProps, type Node, type NodeProps } from '@xyflow/react';
import { Icon, type IconName } from '../common/Icon';
import { duration } from '../common/format';
import { look, type Look, type StepState } from '../model/states';
import { smoothPath, type Direction, type Point } from './layout';

export type NodeData = {
  label: string;
  kind: string;
  title: string;
  direction: Direction;
  state?: StepState;
  mean?: number;
  delta?: string; // compared with the other run
};
export type EdgeData = { label: string | null; route?: Point[] };

const icons: Record<Look, IconName | null> = {
  idle: null,
  queued: 'dots',
  running: 'play',
  waiting: 'person',
  retrying: 'retry',
  failed: 'cross',
  done: 'check',
};
const kindNames: Record<string, string> = { external: 'person', resource: 'resource', resource_config: 'settings' };

function counts(state: StepState): string {
  const parts: [number, string][] = [
    [state.running, 'running'],
    [state.queued, 'queued'],
    [state.retrying, 'retrying'],
    [state.waiting, 'waiting'],
    [state.failed, 'failed'],
  ];
  const said = parts.filter(([amount]) => amount > 0).map(([amount, what]) => `${amount} ${what}`);
  if (state.done > 0) said.push(`×${state.done}`);
  return said.join(' · ');
}

export function GraphNodeView({ data, selected }: NodeProps<Node<NodeData>>) {
  const how = look(data.state);
  const icon = icons[how];
  const down = data.direction === 'TB';
  const kind = kindNames[data.kind] ?? data.kind;
  const detail = [data.state ? counts(data.state) : '', data.mean ? `ø ${duration(data.mean)}` : ''].filter(Boolean).join(' · ');
  return (
    <div className={`node node-${data.kind} look-${how} ${selected ? 'selected' : ''}`} title={data.title} aria-label={`${kind} ${data.label}, ${how}`}>
      <Handle type="target" position={down ? Position.Top : Position.Left} isConnectable={false} />
      <div className="node-name">
        {icon && <Icon name={icon} />} {data.label}
      </div>
      <div className="node-detail">{detail || kind}</div>
      {data.state?.unhandled ? (
        <div className="node-warning">
          <Icon name="warning" /> sent, but nobody took it
        </div>
      ) : null}
      {data.delta && <div className="node-delta">{data.delta}</div>}
      <Handle type="source" position={down ? Position.Bottom : Position.Right} isConnectable={false} />
    </div>
  );
}

export function RoutedEdge(props: EdgeProps<Edge<EdgeData>>) {
  const route = props.data?.route;
  const [straight, labelX, labelY] = getBezierPath(props);
  const path = route && route.length > 1 ? smoothPath(route) : straight;
  const middle = route && route.length > 1 ? route[Math.floor(route.length / 2)] : { x: labelX, y: labelY };
  return (
    <>
      <BaseEdge id={props.id} path={path} markerEnd={props.markerEnd} />
      {props.data?.label && (
        <EdgeLabelRenderer>
          <div className="edge-label" style={{ transform: `translate(-50%, -50%) translate(${middle.x}px, ${middle.y}px)` }}>
            {props.data.label}
          </div>
        </EdgeLabelRenderer>
      )}
    </>
  );
}
