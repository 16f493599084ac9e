#include "page_html.hpp"

namespace weir::http {

std::string_view page_html() {
  static constexpr std::string_view html = R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Weir</title>
<style>
  :root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
  body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
  h1 { margin-bottom: 0; } h2 { margin-top: 2rem; }
  table { border-collapse: collapse; width: 100%; }
  th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #8884; vertical-align: top; }
  code { font-family: ui-monospace, monospace; }
  .failed, .cancelled { color: #c0392b; } .completed { color: #2e8b57; } .running { color: #2980b9; }
</style>
</head>
<body>
<h1>Weir</h1>
<p>A workflow server. Its API is described in <a href="openapi.json">openapi.json</a>; start a run with
<code>curl -X POST <span id="base"></span>workflows/NAME/run -d '{"start_event":{}}'</code>.</p>
<h2>Workflows</h2>
<ul id="workflows"><li>loading</li></ul>
<h2>Runs</h2>
<p id="message"></p>
<table hidden><thead><tr><th>Handler</th><th>Workflow</th><th>Status</th><th>Started</th><th>Events</th></tr></thead><tbody id="runs"></tbody></table>
<script>
const base = new URL('.', location.href).href;
const by = id => document.getElementById(id);
by('base').textContent = base;
const element = (name, text, properties) => Object.assign(document.createElement(name), { textContent: text }, properties);
const link = (text, path) => element('a', text, { href: base + path });
async function load(path) {
  const response = await fetch(base + path);
  if (!response.ok) throw new Error(`${path}: HTTP ${response.status}`);
  return response.json();
}
function showWorkflows(names) {
  by('workflows').replaceChildren(...names.map(name => {
    const item = element('li', name + ' ');
    const path = 'workflows/' + encodeURIComponent(name);
    item.append(link('schema', path + '/schema'), ' ', link('graph', path + '/representation'));
    return item;
  }));
}
function showRuns(handlers) {
  document.querySelector('table').hidden = handlers.length === 0;
  by('message').textContent = handlers.length ? '' : 'None yet.';
  by('runs').replaceChildren(...handlers.reverse().slice(0, 100).map(handler => {
    const row = document.createElement('tr');
    const id = encodeURIComponent(handler.handler_id);
    const cells = [link(handler.handler_id, 'handlers/' + id), handler.workflow_name, element('span', handler.status, { className: handler.status }),
      handler.started_at.slice(0, 19), link('events', 'events/' + id + '?sse=false&after_sequence=-1')];
    row.append(...cells.map(cell => { const td = document.createElement('td'); td.append(cell); return td; }));
    return row;
  }));
}
async function refresh() {
  try {
    showWorkflows((await load('workflows')).workflows);
    showRuns((await load('handlers')).handlers);
  } catch (error) {
    by('message').textContent = 'The server does not answer: ' + error.message;
  }
}
refresh();
setInterval(refresh, 2000);
</script>
</body>
</html>
)html";
  return html;
}

}  // namespace weir::http
