/** Telegram's Bot API over real HTTP with simulated users: enough for whole conversations, and for every kind of failure. */
import { rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import { LocalServer } from './local-server.ts';
import { BOT, present, type ChatMessage, type TelegramSide } from './telegram-messages.ts';
import {
  badRequest,
  buttonsOf,
  checkCaption,
  checkText,
  readBody,
  RefusedCall,
  type Fields,
  type Files,
  type Refusal,
} from './telegram-request.ts';
import { TelegramUser } from './telegram-user.ts';
import { TOKEN } from './token.ts';

export interface Call {
  readonly method: string;
  readonly fields: Record<string, unknown>;
  readonly at: number;
}

interface Update {
  readonly update_id: number;
  readonly [kind: string]: unknown;
}

/** Unique ids across all instances, because the bot remembers them. */
let lastUpdate = 1_000;
let lastUser = 700;

export class FakeTelegram extends LocalServer implements TelegramSide {
  readonly calls: Call[] = [];
  readonly messages: ChatMessage[] = [];
  readonly files = new Map<string, Buffer>();
  readonly blockedBy = new Set<number>();
  /** URL and secret of the bot's webhook. */
  webhook: { url: string; secret: string } | null = null;
  /** If true, Telegram is unreachable: requests are dropped. */
  isDown = false;
  /** Folder in which a local Bot API server keeps files. Such a server returns local paths and has no size limit. */
  localFolder: string | null = null;
  /** If true, the returned local paths do not exist for the bot. */
  losesFiles = false;
  readonly #held = new Map<number, Promise<void>>();
  readonly #waiting = new Set<() => void>();
  #refusals: { method: string; refusal: Refusal; times: number }[] = [];
  #updates: Update[] = [];
  #lastMessage = 10;
  #lastFile = 0;

  static async start(): Promise<FakeTelegram> {
    return await new FakeTelegram().listen();
  }

  /** Creates a user who has not talked to the bot yet. */
  user(languageCode = 'en'): TelegramUser {
    return new TelegramUser(this, ++lastUser, languageCode);
  }

  /** Makes the next calls of `method` fail. */
  refuse(method: string, refusal: Refusal, times = 1): void {
    this.#refusals.push({ method, refusal, times });
  }

  /** Lets calls of `method` succeed again. */
  accept(method: string): void {
    this.#refusals = this.#refusals.filter((entry) => entry.method !== method);
  }

  /** Delays answers to calls about this chat until `release`. */
  hold(chatId: number): { release(): void } {
    let letGo = () => {};
    this.#held.set(chatId, new Promise((resolve) => (letGo = resolve)));
    return {
      release: () => {
        this.#held.delete(chatId);
        letGo();
      },
    };
  }

  callsOf(...methods: string[]): Call[] {
    return this.calls.filter(({ method }) => methods.includes(method));
  }

  /** Updates that the bot has not acknowledged. */
  get pending(): number {
    return this.#updates.length;
  }

  nextMessageId(): number {
    return ++this.#lastMessage;
  }

  keepFile(data: Buffer): string {
    const id = `file${++this.#lastFile}`;
    this.files.set(id, data);
    return id;
  }

  /** Delivers an update, `times` times, as when Telegram redelivers. */
  push(update: Record<string, unknown>, times = 1): void {
    const known: Update = { update_id: ++lastUpdate, ...update };
    for (let time = 0; time < times; time++) {
      // An update that does not arrive is redelivered; the bot may be shutting down.
      if (this.webhook) void this.deliver(known, this.webhook.secret).catch(() => {});
      else this.#updates.push(known);
    }
    this.#wake();
  }

  /** Calls the webhook and returns the status of the response. */
  async deliver(update: object, secret: string | null): Promise<number> {
    const response = await fetch(this.webhook!.url, {
      method: 'POST',
      body: JSON.stringify(update),
      headers: { 'Content-Type': 'application/json', ...(secret !== null && { 'X-Telegram-Bot-Api-Secret-Token': secret }) },
    });
    return response.status;
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }

  protected override async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.isDown) {
      request.socket.destroy();
      return;
    }
    const file = new RegExp(`^/file/bot${TOKEN}/photos/(\\w+)`).exec(request.url ?? '');
    if (file) {
      const data = this.files.get(file[1]!);
      response.writeHead(data ? 200 : 404).end(data);
      return;
    }
    const [, token, method = ''] = /^\/bot([^/]+)\/(\w+)$/.exec(request.url ?? '') ?? [];
    const answer = (status: number, body: object) =>
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
    try {
      const { fields, files } = await readBody(request);
      if (method !== 'getUpdates') this.calls.push({ method, fields, at: Date.now() });
      await this.#held.get(Number(fields['chat_id']));
      if (response.closed) return; // the client has disconnected
      if (token !== TOKEN) throw new RefusedCall({ error_code: 401, description: 'Unauthorized' });
      const refused = this.#refusals.find((entry) => entry.method === method && entry.times > 0);
      if (refused) {
        refused.times -= 1;
        throw new RefusedCall(refused.refusal);
      }
      const result = method === 'getUpdates' ? await this.#getUpdates(fields, response) : this.#call(method, fields, files);
      answer(200, { ok: true, result });
    } catch (error) {
      if (!(error instanceof RefusedCall)) throw error;
      answer(error.refusal.error_code, { ok: false, ...error.refusal });
    }
  }

  async #getUpdates({ offset = 0, limit = 100, timeout = 0 }: Fields, response: ServerResponse): Promise<Update[]> {
    this.#updates = this.#updates.filter(({ update_id: id }) => id >= Number(offset));
    if (this.#updates.length === 0 && Number(timeout) > 0) {
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          this.#waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, Number(timeout) * 1000).unref();
        this.#waiting.add(wake);
        response.once('close', wake);
      });
    }
    return this.#updates.slice(0, Number(limit));
  }

  #call(method: string, fields: Fields, files: Files): unknown {
    const chatId = Number(fields['chat_id']);
    if (this.blockedBy.has(chatId)) throw new RefusedCall({ error_code: 403, description: 'Forbidden: bot was blocked by the user' });
    switch (method) {
      case 'getMe':
        return BOT;
      case 'setMyCommands':
      case 'sendChatAction':
      case 'answerCallbackQuery':
        return true;
      case 'deleteWebhook':
        this.webhook = null;
        return true;
      case 'setWebhook':
        this.webhook = { url: String(fields['url']), secret: String(fields['secret_token']) };
        return true;
      case 'getFile':
        return this.#getFile(String(fields['file_id']));
      case 'sendMessage':
        return this.#send(chatId, fields, { text: checkText(fields['text']) });
      case 'sendVideo':
      case 'sendAnimation': {
        const kind = method === 'sendVideo' ? 'video' : 'animation';
        return this.#send(chatId, fields, {
          caption: checkCaption(fields['caption']),
          media: this.#media(kind, fields[kind], fields, files),
        });
      }
      case 'editMessageText':
        if (this.#find(fields).media) throw badRequest('there is no text in the message to edit');
        return this.#edit(fields, { text: checkText(fields['text']) });
      case 'editMessageCaption':
        if (!this.#find(fields).media) throw badRequest('there is no caption in the message to edit');
        return this.#edit(fields, { caption: checkCaption(fields['caption']) });
      case 'editMessageReplyMarkup':
        return this.#edit(fields, {});
      case 'editMessageMedia': {
        const media = fields['media'] as { media: unknown; caption: string };
        return this.#edit(fields, {
          text: undefined,
          caption: checkCaption(media.caption),
          media: this.#media('animation', media.media, fields, files),
        });
      }
      case 'deleteMessage':
        this.#find(fields, 'delete').deleted = true;
        return true;
      default:
        throw new RefusedCall({ error_code: 404, description: `Not Found: ${method}` });
    }
  }

  #getFile(id: string): object {
    const data = this.files.get(id);
    if (!data) throw badRequest('wrong file_id or the file is temporarily unavailable');
    const about = { file_id: id, file_unique_id: id, file_size: data.length };
    if (this.localFolder !== null) {
      const file = path.join(this.localFolder, id);
      if (this.losesFiles) rmSync(file, { force: true });
      else writeFileSync(file, data);
      return { ...about, file_path: file };
    }
    if (data.length > 20_000_000) throw badRequest('file is too big');
    return { ...about, file_path: `photos/${id}.jpg` };
  }

  #media(kind: 'video' | 'animation', source: unknown, fields: Fields, files: Files): NonNullable<ChatMessage['media']> {
    const attached = (value: unknown): Buffer | undefined => files[String(value).replace('attach://', '')];
    const file = attached(source) ?? this.files.get(String(source));
    if (!file) throw badRequest('there is no such file');
    return {
      kind,
      file,
      thumbnail: fields['thumbnail'] === undefined ? undefined : attached(fields['thumbnail']),
      fields,
      fileId: attached(source) ? this.keepFile(file) : String(source),
    };
  }

  #send(chatId: number, fields: Fields, content: Pick<ChatMessage, 'text' | 'caption' | 'media'>): object {
    const { reply_parameters: reply } = fields as { reply_parameters?: { message_id: number } };
    const message: ChatMessage = {
      id: this.nextMessageId(),
      chatId,
      fromBot: true,
      replyTo: reply?.message_id,
      buttons: buttonsOf(fields),
      history: [],
      deleted: false,
      ...content,
    };
    this.messages.push(message);
    this.#wake();
    return present(message);
  }

  #edit(fields: Fields, content: Pick<ChatMessage, 'text' | 'caption' | 'media'>): object {
    const message = this.#find(fields);
    const before = JSON.stringify([message.text, message.caption, message.media?.fileId, message.buttons]);
    const shown = message.text ?? message.caption ?? '';
    Object.assign(message, content, { buttons: buttonsOf(fields) });
    if (JSON.stringify([message.text, message.caption, message.media?.fileId, message.buttons]) === before) {
      throw badRequest(
        'message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message',
      );
    }
    message.history.push(shown);
    return present(message);
  }

  #find(fields: Fields, wish = 'edit'): ChatMessage {
    const message = this.messages.find(
      ({ id, chatId, deleted }) => id === Number(fields['message_id']) && chatId === Number(fields['chat_id']) && !deleted,
    );
    if (!message) throw badRequest(`message to ${wish} not found`);
    return message;
  }
}
