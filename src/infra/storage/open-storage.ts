import path from 'node:path';
import type { BlobStore } from '../../jobs/ports/blobs.ts';
import type { Workspace } from '../../jobs/ports/workspace.ts';
import { LocalBlobs } from './local-blobs.ts';
import { LocalWorkspace } from './local-workspace.ts';

export interface Storage {
  readonly blobs: BlobStore;
  readonly workspace: Workspace;
}

/** Opens the storage in `folder`. Nothing is read or written before the first use. */
export function openStorage(folder: string): Storage {
  const root = path.resolve(folder);
  const blobs = new LocalBlobs(root);
  return { blobs, workspace: new LocalWorkspace(root, blobs) };
}
