// Writes src/api/schema.d.ts from the server's own OpenAPI document, which is in http/routes/openapi.cpp.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const source = readFileSync(join(here, '../../http/routes/openapi.cpp'), 'utf8');
const text = /R"json\((.*?)\)json"/s.exec(source)[1];
const document = join(mkdtempSync(join(tmpdir(), 'weir-openapi-')), 'openapi.json');
writeFileSync(document, text);
const target = process.argv[2] ?? join(here, '../src/api/schema.d.ts');
execFileSync(join(here, '../node_modules/.bin/openapi-typescript'), [document, '-o', target], { stdio: 'inherit' });
