/** Letters, digits, `_`, `-` and single dots inside: valid on every file system, and never `..` or hidden. */
const KEY = /^[\w-]+(\.[\w-]+)*(\/[\w-]+(\.[\w-]+)*)*$/;

export const isKey = (key: string): boolean => KEY.test(key);

/**
 * Returns `key` if it is well-formed.
 * @throws RangeError
 */
export function checkKey(key: string): string {
  if (!isKey(key)) throw new RangeError(`not a storage key: ${JSON.stringify(key)}`);
  return key;
}
