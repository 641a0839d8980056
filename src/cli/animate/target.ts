/** Where to save the video. Checked before anything is started, so that no video is rendered that cannot be saved. */
import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { readVideoMetadata } from '../../infra/media/video-metadata.ts';
import { badArguments } from '../failure.ts';

const isFolder = (name: string): Promise<boolean> =>
  stat(name).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** @param what names the file in messages @throws Failure BAD_ARGUMENTS if `file` is not a readable file */
export async function assertReadable(what: string, file: string): Promise<void> {
  try {
    const found = await stat(file);
    if (!found.isFile()) throw badArguments(`${what} ${JSON.stringify(file)} is not a file.`, 'Pass the path of a single file.');
    if (found.size === 0) throw badArguments(`${what} ${JSON.stringify(file)} is empty.`, 'Download or copy it again.');
    await access(file, constants.R_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw badArguments(`${what} ${JSON.stringify(file)} does not exist.`, 'Check the name and the folder.');
    if (code === 'EACCES' || code === 'EPERM')
      throw badArguments(`${what} ${JSON.stringify(file)} is not readable.`, 'Check its permissions.');
    throw error;
  }
}

/**
 * The absolute path of the file to write. A file that the user names is replaced; a file that happens to have the default name is
 * replaced only if this program made it.
 * @param out a file, a folder, or undefined for the working directory
 * @throws Failure BAD_ARGUMENTS
 */
export async function chooseTarget(photo: string, out: string | undefined): Promise<string> {
  const given = path.resolve(out ?? '.');
  const intoFolder = out === undefined || /[\\/]$/.test(out) || (await isFolder(given));
  const folder = intoFolder ? given : path.dirname(given);
  if (!(await isFolder(folder)))
    throw badArguments(`The folder ${JSON.stringify(folder)} does not exist.`, 'Create it first, or choose another with --out.');
  await access(folder, constants.W_OK).catch(() => {
    throw badArguments(`The folder ${JSON.stringify(folder)} is not writable.`, 'Choose another with --out.');
  });
  const target = intoFolder ? path.join(folder, `${path.parse(photo).name}.mp4`) : given;
  if ((await realpath(target).catch(() => null)) === (await realpath(photo)))
    throw badArguments('The video would replace the photo.', 'Choose another name with --out.');
  if (intoFolder && (await isForeign(target))) {
    throw badArguments(
      `${JSON.stringify(target)} exists and was not made by this program.`,
      'Pass another file with --out, or this one to replace it.',
    );
  }
  return target;
}

async function isForeign(file: string): Promise<boolean> {
  return await readVideoMetadata(file).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  );
}
