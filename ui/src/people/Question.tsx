// What a run asks, as its event says it. A small part of Markdown is understood; nothing in it becomes HTML.
import { Fragment, type ReactNode } from 'react';
import { JsonTree } from '../common/JsonTree';
import type { WireEvent } from '../model/event';

function inline(text: string): ReactNode {
  return text.split(/(\*\*[^*]+\*\*|`[^`]+`)/).map((part, index) => {
    if (part.startsWith('**') && part.endsWith('**') && part.length > 4) return <b key={index}>{part.slice(2, -2)}</b>;
    if (part.startsWith('`') && part.endsWith('`') && part.length > 2) return <code key={index}>{part.slice(1, -1)}</code>;
    return <Fragment key={index}>{part}</Fragment>;
  });
}

function Markdown({ text }: { text: string }) {
  return (
    <>
      {text.split(/\n{2,}/).map((block, index) => {
        const lines = block.split('\n');
        if (lines.every(line => /^[-*] /.test(line)))
          return (
            <ul key={index}>
              {lines.map((line, at) => (
                <li key={at}>{inline(line.slice(2))}</li>
              ))}
            </ul>
          );
        const heading = /^#{1,4} (.*)/.exec(block);
        return heading ? <h4 key={index}>{inline(heading[1])}</h4> : <p key={index}>{inline(block)}</p>;
      })}
    </>
  );
}

const speaking = ['prefix', 'question', 'prompt', 'text', 'message', 'msg'];

export function Question({ event }: { event: WireEvent }) {
  const fields = Object.entries(event.value ?? {});
  const spoken = fields.find(([name, value]) => speaking.includes(name) && typeof value === 'string');
  const others = Object.fromEntries(fields.filter(([name]) => name !== spoken?.[0]));
  return (
    <div className="question">
      {spoken ? <Markdown text={spoken[1] as string} /> : <p className="muted">{event.type}</p>}
      {Object.keys(others).length > 0 && <JsonTree value={others} />}
    </div>
  );
}
