import { chromium, type Browser } from 'playwright-core';
import { findTool } from './tools.ts';

/** Path of Chromium; undefined if it is not installed. */
export const CHROMIUM = findTool('chromium');

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts a headless Chromium that makes no requests of its own. */
export async function launchChromium(): Promise<Browser> {
  if (CHROMIUM === undefined) throw new Error('There is no chromium in PATH.');
  return await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
}
