// The last inputs of each workflow, so that they need not be typed again.
import { remember, remembered } from '../app/preferences';
import { toJson } from '../common/json';

const kept = 20;
const name = (workflow: string) => `inputs.${workflow}`;

export const recentInputs = (workflow: string): unknown[] => remembered<unknown[]>(name(workflow), []);

export function rememberInput(workflow: string, input: unknown) {
  const text = toJson(input);
  const others = recentInputs(workflow).filter(old => toJson(old) !== text);
  remember(name(workflow), [input, ...others].slice(0, kept));
}
