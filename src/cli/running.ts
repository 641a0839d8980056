/** How a command finds the services that `npm start` runs in the same folder. */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { Config } from '../config.ts';
import { storageFolder } from '../infra/services.ts';

const Running = z.object({ url: z.url(), instance: z.uuid() });

export type Running = z.infer<typeof Running>;

const fileOf = (config: Config) => path.join(storageFolder(config), 'running.json');

/** Publishes the address of the API to other commands. */
export async function announce(config: Config, { url, instance }: Running): Promise<void> {
  const file = fileOf(config);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(`${file}.${process.pid}`, JSON.stringify({ url, instance }));
  await rename(`${file}.${process.pid}`, file);
}

/** Removes what `announce` wrote, unless another instance has replaced it. */
export async function withdraw(config: Config, { instance }: Running): Promise<void> {
  if ((await read(config))?.instance === instance) await rm(fileOf(config), { force: true });
}

/** The announced services if they respond; null if their process was killed, or if another program now uses the port. */
export async function findRunning(config: Config): Promise<Running | null> {
  const running = await read(config);
  if (!running) return null;
  try {
    const response = await fetch(`${running.url}/healthz`, { signal: AbortSignal.timeout(2_000) });
    const { instance } = (await response.json()) as { instance?: string };
    return instance === running.instance ? running : null;
  } catch {
    return null;
  }
}

async function read(config: Config): Promise<Running | null> {
  try {
    return Running.parse(JSON.parse(await readFile(fileOf(config), 'utf8')));
  } catch {
    return null;
  }
}
