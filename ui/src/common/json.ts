// JSON whose whole numbers stay as they are: beyond 2^53 they become bigint, which the platform's own JSON would round and refuse to write.

const mayHoldLarge = /\d{16}/; // shorter ones are safe: the platform's reader does, and is faster
const wholeNumber = /^-?\d+$/;
const numberHere = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const colonHere = /\s*:/y;

export const isLarge = (text: string): boolean => wholeNumber.test(text) && !Number.isSafeInteger(Number(text));

/** Begins the text that stands for a large number on its way: nobody can have foreseen it. */
const newMark = () => `whole-${Math.random().toString(36).slice(2)}-`;

function matchAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}

/** Behind the string's closing quote. */
function endOfString(text: string, begin: number): number {
  for (let at = begin + 1; ; ) {
    const quote = text.indexOf('"', at);
    if (quote < 0) return text.length;
    let slashes = 0;
    while (text[quote - 1 - slashes] === '\\') slashes++;
    if (slashes % 2 === 0) return quote + 1;
    at = quote + 1;
  }
}

/** The text with its large numbers as marked strings. What is no JSON stays none. */
function marked(text: string, mark: string): string {
  let out = '';
  let copied = 0;
  for (let at = 0; at < text.length; ) {
    if (text[at] === '"') {
      at = endOfString(text, at);
      continue;
    }
    const number = matchAt(numberHere, text, at);
    if (isLarge(number) && matchAt(colonHere, text, at + number.length) === '') {
      out += `${text.slice(copied, at)}"${mark}${number}"`;
      copied = at + number.length;
    }
    at += number.length || 1;
  }
  return out + text.slice(copied);
}

/** Throws SyntaxError. */
export function parseJson(text: string): unknown {
  if (!mayHoldLarge.test(text)) return JSON.parse(text);
  const mark = newMark();
  return JSON.parse(marked(text, mark), (_, value: unknown) =>
    typeof value === 'string' && value.startsWith(mark) ? BigInt(value.slice(mark.length)) : value,
  );
}

export function toJson(value: unknown, space?: number): string {
  try {
    return JSON.stringify(value, null, space);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // it holds a bigint
  }
  const mark = newMark();
  const text = JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? `${mark}${item}` : item), space);
  return text.replace(new RegExp(`"${mark}(-?\\d+)"`, 'g'), '$1');
}

/** For who knows no bigint: rounded as a double. What is undefined is left out. */
export function rounded(value: unknown): unknown {
  const text = JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? Number(item) : item)) as string | undefined;
  return text === undefined ? null : JSON.parse(text);
}
