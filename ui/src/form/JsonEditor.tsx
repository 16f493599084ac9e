// The JSON editor, loaded when it is first needed. It lives in a shadow root: there its styles are sheets made by script,
// which a strict Content-Security-Policy allows.
import { autocompletion, completionKeymap, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { json, jsonParseLinter } from '@codemirror/lang-json';
import { bracketMatching, HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { linter, lintGutter, type Diagnostic } from '@codemirror/lint';
import { EditorState } from '@codemirror/state';
import { EditorView, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { useEffect, useRef } from 'react';
import type { JsonSchema } from '../api/types';
import { resolve, validate } from '../schema/schema';
import { parseJson, toJson } from '../common/json';

const colours = HighlightStyle.define([
  { tag: tags.propertyName, color: 'var(--accent)' },
  { tag: tags.string, color: 'var(--ok)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--wait)' },
]);

const look = EditorView.theme({
  '&': { fontSize: '12px', border: '1px solid var(--line)', borderRadius: '5px', background: 'var(--bg)', color: 'var(--fg)' },
  '.cm-content': { fontFamily: 'var(--mono)', minHeight: '120px', caretColor: 'var(--fg)' },
  '.cm-gutters': { background: 'var(--bg-2)', color: 'var(--muted)', border: 'none' },
  '.cm-tooltip': { background: 'var(--bg-2)', color: 'var(--fg)', border: '1px solid var(--line)' },
  // No background: Chromium would put it on what is typed in the bracket's place as an inline style, which the policy forbids.
  '&.cm-focused .cm-matchingBracket, &.cm-focused .cm-nonmatchingBracket': { background: 'transparent', outline: '1px solid var(--muted)' },
  '.cm-activeLine, .cm-activeLineGutter': { background: 'transparent' },
});

/** Every name of a field, and every word of an enumeration, that the schema mentions. */
function words(schema: JsonSchema): { names: string[]; values: string[] } {
  const names = new Set<string>();
  const values = new Set<string>();
  const visit = (node: unknown) => {
    if (typeof node !== 'object' || node === null) return;
    const at = node as JsonSchema;
    if (at.properties) for (const name of Object.keys(at.properties)) names.add(name);
    if (Array.isArray(at.enum)) for (const value of at.enum) values.add(toJson(value));
    Object.values(at).forEach(visit);
  };
  visit(schema);
  return { names: [...names], values: [...values, 'true', 'false', 'null'] };
}

function completions(schema: JsonSchema) {
  const { names, values } = words(schema);
  return (context: CompletionContext): CompletionResult | null => {
    const word = context.matchBefore(/"?[\w-]*/);
    if (!word || (word.from === word.to && !context.explicit)) return null;
    const before = context.state.doc.sliceString(0, word.from).trimEnd();
    const wantsValue = before.endsWith(':');
    const options = wantsValue
      ? values.map(label => ({ label, type: 'constant' }))
      : names.map(name => ({ label: `"${name}"`, apply: `"${name}": `, type: 'property' }));
    return { from: word.from, options };
  };
}

function check(schema: JsonSchema) {
  const parse = jsonParseLinter();
  return (view: EditorView): Diagnostic[] => {
    const broken = parse(view);
    if (broken.length > 0) return broken;
    const text = view.state.doc.toString();
    return validate(schema, parseJson(text)).map(problem => {
      const name = problem.path.split('.').pop() ?? '';
      const at = Math.max(0, text.indexOf(`"${name}"`));
      return { from: at, to: Math.min(text.length, at + name.length + 2), severity: 'error', message: `${problem.path || 'value'}: ${problem.message}` };
    });
  };
}

interface Props {
  schema: JsonSchema;
  value: unknown;
  onChange: (value: unknown) => void;
}

export default function JsonEditor({ schema, value, onChange }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const changed = useRef(onChange);
  changed.current = onChange;
  const start = useRef(value ?? {});
  useEffect(() => {
    const root = host.current!.shadowRoot ?? host.current!.attachShadow({ mode: 'open' });
    const tell = EditorView.updateListener.of(update => {
      if (!update.docChanged) return;
      try {
        changed.current(parseJson(update.state.doc.toString()));
      } catch {
        // not JSON at the moment: the last value stays
      }
    });
    const view = new EditorView({
      parent: root,
      root,
      state: EditorState.create({
        doc: toJson(start.current, 2),
        extensions: [
          lineNumbers(),
          history(),
          bracketMatching(),
          json(),
          lintGutter(),
          linter(check(resolve(schema, schema))),
          autocompletion({ override: [completions(schema)] }),
          syntaxHighlighting(colours),
          keymap.of([...completionKeymap, ...defaultKeymap, ...historyKeymap]),
          tell,
          look,
          EditorView.contentAttributes.of({ 'aria-label': 'JSON' }),
        ],
      }),
    });
    return () => view.destroy();
  }, [schema]);
  return <div ref={host} className="json-editor" />;
}
