/** Reads calls of the Bot API and checks them against Telegram's limits. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import busboy from 'busboy';
import type { Button } from './telegram-messages.ts';

/** The error that answers a call. */
export interface Refusal {
  readonly error_code: number;
  readonly description: string;
  readonly parameters?: { readonly retry_after?: number };
}

export type Fields = Record<string, unknown>;
export type Files = Record<string, Buffer>;

export class RefusedCall extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.description);
    this.refusal = refusal;
  }
}

export const badRequest = (description: string) => new RefusedCall({ error_code: 400, description: `Bad Request: ${description}` });

/** Telegram's limits. */
export const checkText = (text: unknown): string => checkLength(text, 4096, 'message is too long');
export const checkCaption = (caption: unknown): string => checkLength(caption, 1024, 'message caption is too long');

function checkLength(text: unknown, most: number, refusal: string): string {
  if (typeof text !== 'string' || text.trim() === '') throw badRequest('message text is empty');
  if (text.length > most) throw badRequest(refusal);
  return text;
}

export function buttonsOf(fields: Fields): Button[] {
  const markup = fields['reply_markup'] as { inline_keyboard?: Button[][] } | undefined;
  const rows = markup?.inline_keyboard ?? [];
  if (rows.some((row) => row.length === 0)) throw badRequest('a row of the keyboard is empty');
  const buttons = rows.flat();
  for (const { callback_data: data } of buttons)
    if (data !== undefined && Buffer.byteLength(data) > 64) throw badRequest('BUTTON_DATA_INVALID');
  return buttons;
}

export async function readBody(request: IncomingMessage): Promise<{ fields: Fields; files: Files }> {
  const fields: Fields = {};
  const files: Files = {};
  if (request.headers['content-type']?.startsWith('multipart/')) {
    const form = busboy({ headers: request.headers });
    form.on('field', (name, value) => (fields[name] = readField(value)));
    form.on('file', (name, stream) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => (files[name] = Buffer.concat(chunks)));
    });
    await once(request.pipe(form), 'close');
  } else {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    Object.assign(fields, text ? (JSON.parse(text) as Fields) : {});
  }
  return { fields, files };
}

function readField(value: string): unknown {
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}
