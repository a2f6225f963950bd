// Builds the component. A filter is lent its mail for the call, which this engine (SpiderMonkey) knows how to give back.
// Everything the engine could import of WASI is left out: the gateway grants none of it.
import { componentize } from '@bytecodealliance/componentize-js';
import { readFile, writeFile } from 'node:fs/promises';

const { component } = await componentize(await readFile('component.js', 'utf8'), {
  witPath: 'wit',
  worldName: 'WORLD',
  disableFeatures: ['stdio', 'random', 'clocks', 'http', 'fetch-event'],
});
await writeFile('NAME.wasm', component);
