// Opens an exported run: nothing is asked of a server.
import { useState } from 'react';
import type { RunExport } from '../api/types';
import { JsonTree } from '../common/JsonTree';
import { dateTime } from '../common/format';
import { shownStatus, StatusBadge } from '../common/StatusBadge';
import { toRunEvent } from '../model/event';
import { RunModel } from '../model/run';
import { RunViews } from '../run/RunViews';
import { parseJson } from '../common/json';

interface Opened {
  file: RunExport;
  model: RunModel;
}

function read(text: string): Opened {
  let file: RunExport;
  try {
    file = parseJson(text) as RunExport;
  } catch {
    throw new Error('The file is not JSON. Exports end in .weir.json');
  }
  if (file.weir_export !== 1 || !Array.isArray(file.events)) throw new Error('The file is no run that Weir has exported');
  const model = new RunModel();
  if (!model.push(file.events.map(event => toRunEvent(event)))) throw new Error('Events are missing in the file');
  return { file, model };
}

export function ImportPage({ dark }: { dark: boolean }) {
  const [opened, setOpened] = useState<Opened | null>(null);
  const [problem, setProblem] = useState('');
  const open = async (file: File | undefined) => {
    if (!file) return;
    try {
      setOpened(read(await file.text()));
      setProblem('');
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  if (!opened)
    return (
      <main
        className="page"
        id="main"
        onDragOver={event => event.preventDefault()}
        onDrop={event => {
          event.preventDefault();
          void open(event.dataTransfer.files[0]);
        }}
      >
        <h1>Open an exported run</h1>
        <p>Drop a file here that “Export” has written, or choose one. It stays in this browser.</p>
        <label className="field">
          File
          <input type="file" accept=".json" onChange={event => void open(event.target.files?.[0])} />
        </label>
        {problem && (
          <p className="notice error" role="alert">
            {problem}
          </p>
        )}
      </main>
    );
  const { file, model } = opened;
  return (
    <div className="workspace no-sidebar">
      <main className="stage" id="main">
        <div className="title">
          <h1>
            {file.handler.workflow_name} <span className="run-id">{file.handler.handler_id}</span>
          </h1>
          <StatusBadge status={shownStatus(file.handler)} />
          <span className="muted">exported {dateTime(file.exported_at)}</span>
          <span className="grow" />
          <button onClick={() => setOpened(null)}>Close</button>
        </div>
        <RunViews
          workflow={file.handler.workflow_name}
          handlerId={file.handler.handler_id}
          model={model}
          version={1}
          running={false}
          error={file.handler.error}
          graph={file.representation?.graph}
          dark={dark}
          extraTabs={[
            {
              id: 'run',
              label: 'Run',
              render: () => (
                <div className="panel-body">
                  <h3>Input</h3>
                  <JsonTree value={file.handler.input?.value ?? null} />
                  <h3>Result</h3>
                  <JsonTree value={file.handler.result?.value ?? null} />
                </div>
              ),
            },
          ]}
        />
      </main>
    </div>
  );
}
