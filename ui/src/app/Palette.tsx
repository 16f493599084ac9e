// Jumps anywhere by a few letters: workflows, runs by their id, pages.
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState, type KeyboardEvent } from 'react';
import { get } from '../api/http';
import { runsQuery, useWorkflows } from '../api/queries';
import type { HandlerItem, HandlersPage } from '../api/types';
import { Dialog } from '../common/Dialog';
import { noFilter } from '../runs/filter';
import { go, runPath } from './router';

interface Target {
  name: string;
  kind: string;
  path: string[];
}

const pages: Target[] = [
  { name: 'Workflows', kind: 'page', path: [] },
  { name: 'Runs', kind: 'page', path: ['runs'] },
  { name: 'Inbox', kind: 'page', path: ['inbox'] },
  { name: 'Open an exported run', kind: 'page', path: ['import'] },
];

const runTarget = (run: HandlerItem): Target => ({
  name: run.handler_id,
  kind: `run of ${run.workflow_name}`,
  path: runPath(run.workflow_name, run.handler_id),
});

/** What fits the text, and whether more may yet come. */
function useTargets(text: string): { targets: Target[]; searching: boolean } {
  const workflows = useWorkflows();
  const [asked, setAsked] = useState('');
  useEffect(() => {
    const timer = setTimeout(() => setAsked(text), 150);
    return () => clearTimeout(timer);
  }, [text]);
  const runs = useQuery({
    queryKey: ['palette', asked],
    enabled: asked.length > 1,
    queryFn: ({ signal }) => get<HandlersPage>(`/handlers?${runsQuery({ ...noFilter, text: asked }, '', 8)}`, signal),
  });
  const named: Target[] = (workflows.data?.workflows ?? []).map(name => ({ name, kind: 'workflow', path: ['w', name] }));
  const fitting = [...named, ...pages].filter(target => target.name.toLowerCase().includes(text.toLowerCase()));
  const found = asked.length > 1 ? (runs.data?.handlers ?? []) : [];
  return {
    targets: [...fitting.slice(0, 12), ...found.map(runTarget)],
    searching: workflows.isLoading || asked !== text || runs.isLoading,
  };
}

export function Palette({ close }: { close: () => void }) {
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const [entered, setEntered] = useState(false);
  const { targets, searching } = useTargets(text);
  const chosen = Math.min(at, targets.length - 1);
  const open = (target: Target | undefined) => {
    if (!target) return;
    go(target.path);
    close();
  };
  // Enter is often pressed before the server has answered, above all after an id was pasted: it opens what is found then.
  useEffect(() => {
    if (entered && targets.length > 0) open(targets[0]);
    else if (entered && !searching) setEntered(false);
  });
  const keys = (event: KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) setAt(Math.max(0, Math.min(targets.length - 1, chosen + by)));
    else if (event.key === 'Enter' && targets.length === 0) setEntered(true);
    else if (event.key === 'Enter') open(targets[chosen]);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog title="Jump to" close={close}>
      <input
        type="search"
        role="combobox"
        autoFocus
        aria-label="Jump to"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={targets.length > 0 ? `palette-${chosen}` : undefined}
        placeholder="Workflow, run or page"
        value={text}
        onChange={event => {
          setText(event.target.value);
          setAt(0);
          setEntered(false);
        }}
        onKeyDown={keys}
      />
      <ul id="palette-list" role="listbox" aria-label="Places" className="palette">
        {targets.map((target, index) => (
          <li key={`${target.kind} ${target.name}`} id={`palette-${index}`} role="option" aria-selected={index === chosen} onClick={() => open(target)}>
            {target.name} <span className="muted">{target.kind}</span>
          </li>
        ))}
      </ul>
      {targets.length === 0 && <p className="muted">{searching ? 'Searching…' : 'Nothing is called so.'}</p>}
    </Dialog>
  );
}
