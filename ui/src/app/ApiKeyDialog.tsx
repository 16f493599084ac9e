// Asks for the API key when the server wants one.
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState, type FormEvent } from 'react';
import { onUnauthorised, setApiKey } from '../api/http';
import { useConfig } from '../api/queries';
import { tabStream } from '../api/tabStream';
import { Dialog } from '../common/Dialog';

export function ApiKeyDialog() {
  const config = useConfig();
  const client = useQueryClient();
  const [open, setOpen] = useState(false);
  const [key, setKey] = useState('');
  useEffect(() => onUnauthorised(() => setOpen(true)), []);
  if (!open || !config.data?.needs_api_key) return null;
  const use = (event: FormEvent) => {
    event.preventDefault();
    setApiKey(key);
    setOpen(false);
    tabStream.restart();
    void client.invalidateQueries();
  };
  return (
    <Dialog title="API key" close={() => setOpen(false)}>
      <h2>This server wants an API key</h2>
      <form onSubmit={use}>
        <label className="field">
          Key <span className="kind">kept until this tab is closed</span>
          <input type="password" value={key} autoFocus onChange={event => setKey(event.target.value)} />
        </label>
        <button className="primary">Use the key</button>
      </form>
    </Dialog>
  );
}
