/** A name as one segment of a path. Quotes too: paths are copied into shells. */
export const segment = (name: string): string => encodeURIComponent(name).replace(/'/g, '%27');
