import { createHmac, timingSafeEqual } from 'node:crypto';
import { AppError } from '../../jobs/errors.ts';

/** First part of the path of each kind of download, with its file extension. */
export const FILE_KINDS = { videos: 'mp4', posters: 'jpg', previews: 'jpg' } as const;

export type FileKind = keyof typeof FILE_KINDS;

/**
 * Links to files that work without an API key until they expire:
 * `<base>/videos/<id>.mp4?expires=<unix seconds>&signature=<base64url HMAC-SHA-256 of kind/id/expires>`.
 */
export class LinkSigner {
  readonly #secret: string;
  readonly #baseUrl: () => string;

  /** @param baseUrl returns the URL of the API without a trailing slash; called for each link, since a random port is known late */
  constructor(secret: string, baseUrl: () => string) {
    this.#secret = secret;
    this.#baseUrl = baseUrl;
  }

  /** @param version text that changes with the content, so that browsers do not show a cached file; not part of the signature */
  url(kind: FileKind, id: string, expiresAt: Date, version?: string | number): string {
    const expires = String(Math.floor(expiresAt.getTime() / 1000));
    const query = new URLSearchParams({ expires, signature: this.#sign(kind, id, expires).toString('base64url') });
    if (version !== undefined) query.set('v', String(version));
    return `${this.#baseUrl()}/${kind}/${id}.${FILE_KINDS[kind]}?${query}`;
  }

  /**
   * Verifies the query of a link.
   * @returns when the link expires
   * @throws AppError FORBIDDEN if the signature is not valid for this file; EXPIRED
   */
  verify(kind: FileKind, id: string, query: { readonly expires?: unknown; readonly signature?: unknown }): Date {
    const { expires, signature } = query;
    const given = typeof signature === 'string' ? Buffer.from(signature, 'base64url') : Buffer.alloc(0);
    const expected = this.#sign(kind, id, String(expires));
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
      throw new AppError('FORBIDDEN', "The link's signature is not valid; query the job again to get a new link.");
    }
    const expiresAt = new Date(Number(expires) * 1000);
    if (expiresAt.getTime() <= Date.now())
      throw new AppError('EXPIRED', 'The link has expired; query the job again to get a new one, if the file is still kept.');
    return expiresAt;
  }

  #sign(kind: FileKind, id: string, expires: string): Buffer {
    return createHmac('sha256', this.#secret).update(`${kind}/${id}/${expires}`).digest();
  }
}
