// Any JSON, as text: for what the schema leaves open.
import { useState } from 'react';
import type { InputProps } from './Field';
import { parseJson, toJson } from '../common/json';

export function RawField(props: InputProps) {
  const [text, setText] = useState(() => (props.value === undefined ? '' : toJson(props.value, 1)));
  const [wrong, setWrong] = useState(false);
  const edit = (next: string) => {
    setText(next);
    try {
      props.onChange(next.trim() === '' ? undefined : parseJson(next));
      setWrong(false);
    } catch {
      setWrong(true);
    }
  };
  return (
    <div className="group">
      <textarea id={props.id} name={props.path} className="mono" rows={3} value={text} aria-invalid={wrong || props.invalid || undefined} placeholder="any JSON" onChange={event => edit(event.target.value)} />
      {wrong && <p className="problem">This is not JSON yet; the last value that was is kept.</p>}
    </div>
  );
}
