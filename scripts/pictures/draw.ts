/** Draws panels of chats side by side with Chromium and the system's fonts, preferably Inter. */
import sharp from 'sharp';
import { launchChromium } from '../../test/support/chromium.ts';
import type { Bubble, Panel } from './chat.ts';

const WIDTH = 1280;

const STYLE = `
  body { margin: 0; font: 14.5px/1.35 Inter, sans-serif; color: #000 }
  main { display: grid; grid-template-columns: repeat(4, 1fr); gap: 14px; padding: 14px }
  section { display: flex; flex-direction: column; justify-content: end; gap: 8px; padding: 12px; border-radius: 12px; background: #dfe7ef }
  article { display: flex; flex-direction: column; gap: 4px; min-width: 60%; max-width: 266px }
  .bot { align-self: start }
  .user { align-self: end; min-width: 0 }
  .bubble { overflow: hidden; border-radius: 12px; background: #fff; box-shadow: 0 1px 1px #0003 }
  .user .bubble { background: #e1f5cc }
  p { margin: 0; padding: 7px 11px; white-space: pre-wrap; overflow-wrap: break-word }
  img { display: block; width: 100%; height: 100%; object-fit: cover }
  .photos { display: grid; gap: 2px; width: 266px }
  .photos:has(:nth-child(2)) { grid-template: 87px 87px / 1fr 1fr }
  .video { position: relative }
  .play { position: absolute; inset: 0; width: 46px; height: 46px; margin: auto; border-radius: 50%; background: #0008 }
  .play::after { content: ''; position: absolute; inset: 13px 12px 13px 16px; background: #fff; clip-path: polygon(0 0, 100% 50%, 0 100%) }
  time { position: absolute; top: 8px; left: 8px; padding: 1px 7px; border-radius: 9px; background: #0008; color: #fff; font-size: 12px }
  .row { display: flex; gap: 4px }
  .button { flex: 1; padding: 6px 2px; border-radius: 7px; background: #7893a8; color: #fff; font-size: 12.5px; line-height: 17px; text-align: center; white-space: nowrap }
`;

/** The picture as WebP, in the best quality that fits into `maxBytes`. */
export async function draw(panels: readonly Panel[], maxBytes: number): Promise<Buffer> {
  const picture = sharp(
    await screenshot(`<!doctype html><meta charset="utf-8"><style>${STYLE}</style><main>${panels.map(drawPanel).join('')}</main>`),
  );
  let webp: Buffer;
  let quality = 90;
  do {
    webp = await picture.webp({ quality, effort: 6, smartSubsample: true }).toBuffer();
    quality -= 5;
  } while (webp.length > maxBytes && quality > 50);
  return webp;
}

async function screenshot(html: string): Promise<Buffer> {
  const browser = await launchChromium();
  try {
    const page = await browser.newPage({ viewport: { width: WIDTH, height: 100 } });
    await page.setContent(html);
    return await page.screenshot({ fullPage: true });
  } finally {
    await browser.close();
  }
}

const drawPanel = (panel: Panel): string => `<section>${panel.map(drawMessage).join('')}</section>`;

function drawMessage({ from, text, photos, video, buttons = [] }: Bubble): string {
  const content = [
    photos && `<div class="photos">${photos.map(drawImage).join('')}</div>`,
    video && `<div class="video">${drawImage(video.thumbnail)}<div class="play"></div><time>${clock(video.seconds)}</time></div>`,
    text !== undefined && `<p>${escape(text)}</p>`,
  ];
  const rows = buttons.map(
    (row) => `<div class="row">${row.map((button) => `<div class="button">${escape(button.text)}</div>`).join('')}</div>`,
  );
  return `<article class="${from}"><div class="bubble">${content.filter(Boolean).join('')}</div>${rows.join('')}</article>`;
}

const drawImage = (jpeg: Buffer): string => `<img src="data:image/jpeg;base64,${jpeg.toString('base64')}">`;

const clock = (seconds: number): string => `${Math.floor(seconds / 60)}:${String(Math.round(seconds % 60)).padStart(2, '0')}`;

const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
