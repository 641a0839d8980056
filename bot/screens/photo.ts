/** Photos sent as photos, as files and in albums, and files that are not photos. */
import { Composer } from 'grammy';
import type { Message } from 'grammy/types';
import { newGroup, newRequest } from '../requests/group.ts';
import { inReplyTo } from '../telegram/parameters.ts';
import { megabytes } from '../units.ts';
import { chatIdOf, type BotContext } from './context.ts';
import { hasRoom, type Kit } from './kit.ts';

/** File names of photos, for files that come without a media type. */
const IMAGE_NAME = /\.(jpe?g|png|webp|avif|tiff?|hei[cf])$/i;

interface Photo {
  readonly fileId: string;
  readonly sizeBytes: number;
}

/** The photo of a message, at its largest size; null if there is none. */
function photoOf({ photo, document }: Pick<Message, 'photo' | 'document'>): Photo | null {
  const largest = photo?.at(-1);
  if (largest) return { fileId: largest.file_id, sizeBytes: largest.file_size ?? 0 };
  const isImage = document && (document.mime_type?.startsWith('image/') || IMAGE_NAME.test(document.file_name ?? ''));
  return isImage ? { fileId: document.file_id, sizeBytes: document.file_size ?? 0 } : null;
}

export function photoScreens(kit: Kit, albumMs: number): Composer<BotContext> {
  const { requests, photoMaxMb } = kit;
  const screens = new Composer<BotContext>();

  screens.on(['message:photo', 'message:document'], async (ctx, next) => {
    const { say, record, message } = ctx;
    if (message.animation) {
      await next();
      return;
    }
    const photo = photoOf(message);
    const reply = inReplyTo(message.message_id);
    const refusal = !photo
      ? say('not-an-image')
      : photo.sizeBytes > megabytes(photoMaxMb)
        ? say('photo-too-large', { megabytes: photoMaxMb })
        : null;
    if (!photo || refusal !== null) {
      // Once per album.
      const { media_group_id: group = '' } = message;
      if (group === '' || group !== record.refusedAlbum) await ctx.reply(refusal!, reply);
      record.refusedAlbum = group;
      return;
    }
    if (!(await hasRoom(kit, ctx, 1, message.message_id))) return;
    const chatId = chatIdOf(ctx);
    const single = `${chatId}-${message.message_id}`;
    // Message ids are per bot, so the key names the bot.
    const request = newRequest({
      key: `telegram:${ctx.me.id}:${single}`,
      fileId: photo.fileId,
      choice: { ...record.choice },
      replyTo: message.message_id,
    });
    const group = { chatId, replyTo: message.message_id, createdAt: Date.now(), requests: [request] };
    const album = message.media_group_id && `${chatId}-a${message.media_group_id}`;
    if (album) {
      if (await requests.add(chatId, album, request)) return;
      if (await requests.take(newGroup({ ...group, id: album, openUntil: Date.now() + albumMs }))) return;
    }
    await requests.take(newGroup({ ...group, id: single }));
  });
  return screens;
}
