// Line icons, drawn here: no font has to have them. They say nothing on their own: text stands beside or on the button.
const paths = {
  play: 'M5 3l8 5-8 5z',
  pause: 'M5 3v10M11 3v10',
  check: 'M3 8.5l3.5 3.5L13 4.5',
  cross: 'M4 4l8 8M12 4l-8 8',
  clock: 'M8 2a6 6 0 100 12A6 6 0 008 2zM8 5v3.5l2.5 1.5',
  person: 'M8 8a3 3 0 100-6 3 3 0 000 6zM2.5 14c.5-3 2.5-4.5 5.5-4.5s5 1.500 5.500 4.500',
  retry: 'M13 8a5 5 0 11-1.500-3.600M13 2v3h-3',
  stop: 'M4 4h8v8H4z',
  dots: 'M3.500 8h.01M8 8h.01M12.500 8h.01',
  search: 'M7 2.500a4.500 4.500 0 100 9 4.500 4.500 0 000-9zM10.500 10.500L14 14',
  left: 'M10 3L5 8l5 5',
  right: 'M6 3l5 5-5 5',
  down: 'M3 6l5 5 5-5',
  copy: 'M5 5V2.500h8.500V11H11M2.500 5H11v8.500H2.500z',
  send: 'M2 8l12-5.500L9.500 14 7.500 9z',
  compare: 'M5 2v12M11 2v12M2 5h6M8 11h6',
  download: 'M8 2v8M4.500 7L8 10.500 11.500 7M2.500 13.500h11',
  warning: 'M8 2l6.500 12h-13zM8 6.500v3.500M8 12h.01',
  plus: 'M8 3v10M3 8h10',
  sun: 'M8 5a3 3 0 100 6 3 3 0 000-6zM8 1v1.500M8 13.500V15M1 8h1.500M13.500 8H15M3 3l1 1M12 12l1 1M3 13l1-1M12 4l1-1',
  help: 'M6 6a2 2 0 114 0c0 1.500-2 1.500-2 3M8 12h.01',
  link: 'M6.500 9.500l3-3M7 4.500L9 2.500a3 3 0 014.500 4.500l-2 2M9 11.500l-2 2A3 3 0 012.500 9l2-2',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}
