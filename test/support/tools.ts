import { accessSync, constants } from 'node:fs';
import path from 'node:path';

/** What each program that a machine may lack is needed for. Tests that need a missing one are skipped, and the run says so. */
export const TOOLS = {
  'redis-server': 'queue and progress over Redis',
  ffmpeg: "encoding with the system's ffmpeg, ffprobe's view of results",
  chromium: 'the playground in a browser',
  curl: "README's snippet for the shell",
} as const;

/** Where `tool` is in PATH; undefined if it is not. */
export function findTool(tool: keyof typeof TOOLS): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter).filter(Boolean);
  const names = process.platform === 'win32' ? [`${tool}.exe`] : [tool];
  return folders.flatMap((folder) => names.map((name) => path.join(folder, name))).find(isProgram);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
