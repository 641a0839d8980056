/** The conversations in the pictures, held with the real bot; four panels per picture. */
import type { FakeTelegram } from '../../test/support/telegram.ts';
import { Chat, type Bubble, type Panel } from './chat.ts';

/** Progress of a video that is partly rendered. */
const BAR = /█{3,}░/;
const FILE = { file_id: 'f', file_unique_id: 'f' };

/** Greeting, the wizard's end, progress, the video. */
export async function fromPhotoToVideo(telegram: FakeTelegram): Promise<Panel[]> {
  const chat = new Chat(telegram);
  const greeting = await chat.exchange('/start');
  const wizard = await chat.chooses(6, 'P720', 'DOLLY_IN');
  const making = [chat.sends('coffee.jpg'), await chat.says(showsProgress)];
  const video = await chat.getsVideo();
  return [greeting, wizard.slice(2), making, [await chat.says(isDone), video]];
}

/** An album being rendered, refusals, the list of videos, deleting everything. */
export async function aroundVideos(telegram: FakeTelegram): Promise<Panel[]> {
  const chat = () => new Chat(telegram);
  return [await anAlbum(chat()), await refusals(chat()), await aList(chat()), await deletionQuestion(chat())];
}

/** Greeting and progress. */
export async function inOtherLanguages(telegram: FakeTelegram): Promise<Panel[]> {
  return await Promise.all(
    ['ru', 'es', 'de', 'pt'].map(async (language) => {
      const chat = new Chat(telegram, language);
      const greeting = await chat.exchange('/start');
      const making = [chat.sends('rocket.jpg'), await chat.says(showsProgress)];
      await chat.user.tapFor(/^cancel:/);
      return [...greeting, ...making];
    }),
  );
}

/** Matches the percentage and remaining time of a single video. */
const showsProgress = ({ text = '' }: Bubble) => BAR.test(text) && /\n.*\d/.test(text);

const isDone = ({ text = '', buttons }: Bubble) => text.startsWith('✅') && !buttons;

async function anAlbum(chat: Chat): Promise<Panel> {
  await chat.exchange('/start');
  await chat.chooses(3, 'P720', 'PAN_L');
  const photos = chat.sends('galaxies.jpg', 'rocket.jpg', 'cat.jpg', 'coffee.jpg');
  const making = await chat.says(({ text = '' }) => text.includes('✅') && BAR.test(text) && text.includes('⏳'));
  await chat.user.tapFor(/^cancel:/);
  return [photos, making];
}

async function refusals(chat: Chat): Promise<Panel> {
  const notes = { ...FILE, file_name: 'notes.pdf', mime_type: 'application/pdf' };
  const sticker = { ...FILE, type: 'regular', emoji: '🐱', width: 512, height: 512, is_animated: false, is_video: false };
  const clip = { ...FILE, file_name: 'holiday.mp4', mime_type: 'video/mp4', width: 640, height: 360, duration: 9 };
  return [
    ...(await chat.exchange(`📎 ${notes.file_name}`, () => chat.user.thing({ document: notes }))),
    ...(await chat.exchange(sticker.emoji, () => chat.user.thing({ sticker }))),
    ...(await chat.exchange(`🎬 ${clip.file_name}`, () => chat.user.thing({ video: clip }))),
  ];
}

async function aList(chat: Chat): Promise<Panel> {
  const choices: [number, string, string][] = [
    [3, 'P360', 'MICRO'],
    [6, 'P480', 'TILT_UP'],
    [3, 'P480', 'DOLLY_IN'],
    [8, 'P360', 'PAN_L'],
  ];
  for (const [index, choice] of choices.entries()) {
    await chat.exchange('/start');
    await chat.chooses(...choice);
    chat.sends('rocket.jpg');
    await chat.says(isDone, index + 1);
  }
  return await chat.exchange('/history');
}

/** One message: the question replaces the previous text. */
async function deletionQuestion(chat: Chat): Promise<Panel> {
  return [...(await chat.exchange('/privacy')), await chat.answerTo(() => chat.user.tapFor(/^delete-all$/))];
}
