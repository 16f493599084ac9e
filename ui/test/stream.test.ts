import { describe, expect, it } from 'vitest';
import { FrameReader } from '../src/api/serverEvents';

describe('frames of server-sent events', () => {
  const text = ': hello\n\nevent: events\ndata: {"a":1}\n\nevent: end\ndata: {}\n\n';
  it('are put together however they are cut', () => {
    for (let cut = 0; cut <= text.length; cut++) {
      const reader = new FrameReader();
      const frames = [...reader.push(text.slice(0, cut)), ...reader.push(text.slice(cut))];
      expect(frames).toEqual([
        { event: 'events', data: '{"a":1}' },
        { event: 'end', data: '{}' },
      ]);
    }
  });
});
