import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Editor, type LiveMessage } from '../../../bot/telegram/editor.ts';
import { CHAT, useTelegramClient } from '../../support/telegram-client.ts';
import { until } from '../../support/waiting.ts';

const client = useTelegramClient();

async function sent(render: () => string): Promise<LiveMessage> {
  const { message_id: messageId } = await client.telegram.once.sendMessage(CHAT, 'nothing yet');
  return { messageId, render: () => ({ text: render() }) };
}

function editor(onRenderError: (error: unknown) => void = () => {}): Editor {
  return new Editor({
    api: client.telegram.once,
    chatId: CHAT,
    intervalMs: 0,
    signal: client.stop.signal,
    onEdit: () => {},
    onBlocked: () => {},
    onRenderError,
  });
}

const shown = ({ messageId }: LiveMessage) => client.fake.messages.find(({ id }) => id === messageId)!.text;

describe('an editor', () => {
  it('edits urgent messages first, the others in the order of their changes', async () => {
    const messages = await Promise.all(
      ['first', 'second', 'urgent'].map(async (text) => ({ ...(await sent(() => text)), isUrgent: () => text === 'urgent' })),
    );
    const edits = editor();
    await Promise.all(messages.map((message) => edits.flush(message)));
    expect(client.fake.callsOf('editMessageText').map(({ fields }) => fields['text'])).toEqual(['urgent', 'first', 'second']);
  });

  it('flushes a message until its newest text is shown, even if an older edit is in progress', async () => {
    let text = 'half done';
    const message = await sent(() => text);
    const edits = editor();
    const { release } = client.fake.hold(CHAT);
    edits.touch(message);
    await until(async () => client.fake.callsOf('editMessageText').length === 1);
    text = 'done';
    const flushed = edits.flush(message);
    release();
    await flushed;
    expect(shown(message)).toBe('done');
  });

  it('reports a message that cannot be rendered once, and edits the others', async () => {
    const errors: unknown[] = [];
    const edits = editor((error) => errors.push(error));
    const mute = await sent(() => {
      throw new Error('no words');
    });
    const other = await sent(() => 'all is well');
    for (let time = 0; time < 3; time++) edits.touch(mute);
    await edits.flush(mute);
    await edits.flush(other);
    edits.touch(mute);
    await sleep(50);
    expect(errors).toHaveLength(1);
    expect(shown(other)).toBe('all is well');
  });
});
