// Server-Sent Events over fetch, which unlike EventSource can send a key and tells what went wrong.

export interface Frame {
  id?: string;
  event: string;
  data: string;
}

/** Takes text as it comes, cut anywhere, and gives whole frames. Comments are dropped. */
export class FrameReader {
  private rest = '';

  push(text: string): Frame[] {
    this.rest += text;
    const end = this.rest.lastIndexOf('\n\n');
    if (end < 0) return [];
    const whole = this.rest.slice(0, end);
    this.rest = this.rest.slice(end + 2);
    return whole.split('\n\n').map(parse).filter(frame => frame.data !== '');
  }
}

function parse(text: string): Frame {
  const frame: Frame = { event: 'message', data: '' };
  for (const line of text.split('\n')) {
    if (line.startsWith('id: ')) frame.id = line.slice(4);
    else if (line.startsWith('event: ')) frame.event = line.slice(7);
    else if (line.startsWith('data: ')) frame.data += line.slice(6);
  }
  return frame;
}
