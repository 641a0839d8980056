import { chromium, type Browser } from 'playwright-core';
import { findTool } from './tools.ts';

/** Where Chromium is; undefined if there is none. */
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

/** A headless one that asks nobody for anything by itself. */
export async function launchChromium(): Promise<Browser> {
  if (CHROMIUM === undefined) throw new Error('There is no chromium in PATH.');
  return await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
}
