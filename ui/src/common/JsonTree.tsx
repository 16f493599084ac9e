// A JSON value that unfolds where one looks. Long texts and long lists are cut until asked for.
import { useState } from 'react';
import { Icon } from './Icon';
import { preview } from './format';

const shownText = 2000;
const shownItems = 100;

type Container = Record<string, unknown> | unknown[];
const isContainer = (value: unknown): value is Container => typeof value === 'object' && value !== null;

function Text({ text }: { text: string }) {
  const [whole, setWhole] = useState(false);
  if (text.length <= shownText || whole) return <span className="json-string">{JSON.stringify(text)}</span>;
  return (
    <span className="json-string">
      {JSON.stringify(text.slice(0, shownText))}…{' '}
      <button className="quiet" onClick={() => setWhole(true)}>
        show all {text.length.toLocaleString('en')} characters
      </button>
    </span>
  );
}

function Scalar({ value }: { value: unknown }) {
  if (typeof value === 'string') return <Text text={value} />;
  return <span className={value === null ? 'json-null' : `json-${typeof value}`}>{String(value)}</span>;
}

function Items({ value, depth }: { value: Container; depth: number }) {
  const [shown, setShown] = useState(shownItems);
  const entries = Object.entries(value);
  return (
    <ul className="json-items">
      {entries.slice(0, shown).map(([key, item]) => (
        <li key={key}>
          <JsonNode name={key} value={item} depth={depth + 1} />
        </li>
      ))}
      {entries.length > shown && (
        <li>
          <button className="quiet" onClick={() => setShown(shown * 4)}>
            {(entries.length - shown).toLocaleString('en')} more
          </button>
        </li>
      )}
    </ul>
  );
}

function JsonNode({ name, value, depth }: { name?: string; value: unknown; depth: number }) {
  const [open, setOpen] = useState(depth < 2);
  const key = name === undefined ? null : <span className="json-key">{name}: </span>;
  if (!isContainer(value) || Object.keys(value).length === 0)
    return (
      <>
        {key}
        {isContainer(value) ? <span className="json-null">{Array.isArray(value) ? '[]' : '{}'}</span> : <Scalar value={value} />}
      </>
    );
  const size = Object.keys(value).length;
  return (
    <>
      <button className="json-fold" aria-expanded={open} onClick={() => setOpen(!open)}>
        <Icon name={open ? 'down' : 'right'} /> {key ?? <span className="sr">value</span>}
        <span className="muted">{open ? (Array.isArray(value) ? `list of ${size}` : '') : preview(value, 80)}</span>
      </button>
      {open && <Items value={value} depth={depth} />}
    </>
  );
}

export function JsonTree({ value }: { value: unknown }) {
  return (
    <div className="json">
      <JsonNode value={value} depth={0} />
    </div>
  );
}
