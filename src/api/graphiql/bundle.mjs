/** Bundles the playground from npm packages, so that its page loads nothing from other servers. */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build, stop } from 'esbuild';

const CLIENT = path.join(import.meta.dirname, 'client');

const WORKERS = {
  editor: 'monaco-editor/esm/vs/editor/editor.worker.js',
  graphql: 'monaco-graphql/esm/graphql.worker.js',
  json: 'monaco-editor/esm/vs/language/json/json.worker.js',
};

/**
 * Writes index.html and assets/ to `folder` atomically. Assets are named by a hash of their content.
 * @param {string} folder
 */
export async function bundle(folder = path.resolve(import.meta.dirname, '../../../dist/graphiql')) {
  const draft = `${folder}.${process.pid}`;
  const common = {
    absWorkingDir: CLIENT,
    outdir: path.join(draft, 'assets'),
    bundle: true,
    minify: true,
    metafile: true,
    target: 'es2022',
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    logLevel: 'warning',
    legalComments: 'linked',
    define: { 'process.env.NODE_ENV': '"production"' },
  };
  try {
    const workers = await build({ ...common, entryPoints: WORKERS, format: 'iife' });
    const page = await build({
      ...common,
      entryPoints: { page: './main.tsx' },
      format: 'esm',
      splitting: true,
      jsx: 'automatic',
      loader: { '.jpg': 'dataurl', '.ttf': 'dataurl' },
      define: { ...common.define, WORKER_FILES: JSON.stringify(workerFiles(workers.metafile)) },
    });
    const [script, { cssBundle }] = Object.entries(page.metafile.outputs).find(([, output]) => output.entryPoint === 'main.tsx');
    await writeFile(path.join(draft, 'index.html'), await html(script, cssBundle));
    // esbuild also writes style sheets for lazy chunks; they repeat parts of the page's own and are never loaded.
    const spare = Object.keys(page.metafile.outputs).filter((file) => file.endsWith('.css') && file !== cssBundle);
    await Promise.all(spare.map((file) => rm(path.join(CLIENT, file))));
    await rm(folder, { recursive: true, force: true });
    await mkdir(path.dirname(folder), { recursive: true });
    await rename(draft, folder);
  } finally {
    await rm(draft, { recursive: true, force: true });
    // Ends esbuild's helper process, which would otherwise live as long as this one.
    await stop();
  }
}

function workerFiles(metafile) {
  const names = Object.keys(metafile.outputs).map((file) => path.basename(file));
  return Object.fromEntries(
    Object.keys(WORKERS).map((worker) => [worker, names.find((name) => name.startsWith(`${worker}-`) && name.endsWith('.js'))]),
  );
}

async function html(script, style) {
  const template = await readFile(path.join(CLIENT, 'index.html'), 'utf8');
  // Relative, so that a proxy may serve the API below a path.
  const link = (file) => `graphql/assets/${path.basename(file)}`;
  return template.replace('{{script}}', link(script)).replace('{{style}}', link(style));
}
