// Builds the filter: only this engine (SpiderMonkey) gives back the mail that a filter is lent.
import { componentize } from '@bytecodealliance/componentize-js';
import { readFile, writeFile } from 'node:fs/promises';

const { component } = await componentize(await readFile('component.js', 'utf8'), {
  witPath: 'wit',
  worldName: 'filter',
  disableFeatures: ['stdio', 'random', 'clocks', 'http', 'fetch-event'],
});
await writeFile('evil-filter.wasm', component);
