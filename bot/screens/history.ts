/** /history: the user's videos, page by page, to be sent again or deleted. */
import { Composer, InlineKeyboard } from 'grammy';
import type { Job, Options } from '../../src/client/client.ts';
import { ApiError, hasCode } from '../../src/client/error.ts';
import { newGroup, newRequest } from '../requests/group.ts';
import { choiceText } from '../requests/wording.ts';
import type { Say } from '../texts/texts.ts';
import { chatIdOf, type BotContext } from './context.ts';
import { column, hasRoom, JOB_ID, type Kit } from './kit.ts';
import { show } from './tapped.ts';

const PAGE = 5;
/** A video, and the page of the list it is on. */
const VIDEO = `${JOB_ID}:(\\d+)`;

export function historyScreens(kit: Kit): Composer<BotContext> {
  const { api, requests } = kit;
  const screens = new Composer<BotContext>();

  const list = async (ctx: BotContext, page: number): Promise<void> => {
    const { say, record, owner } = ctx;
    // Each page starts where the previous one ended. Without a stored cursor, the first page is shown.
    const at = page <= record.pages.length ? page : 0;
    const [{ nodes, pageInfo }, options] = await Promise.all([
      api.as(owner).jobs({ first: PAGE, after: at === 0 ? null : record.pages[at - 1]! }),
      api.options(),
    ]);
    if (nodes.length === 0 && at > 0) {
      await list(ctx, at - 1);
      return;
    }
    if (nodes.length === 0) {
      await show(ctx, say('history-empty'), column([[say('button-menu'), 'menu']]));
      return;
    }
    if (pageInfo.hasNextPage) record.pages = [...record.pages.slice(0, at), pageInfo.endCursor!];
    const number = (index: number) => at * PAGE + index + 1;
    const lines = nodes.map(
      (job, index) => `${number(index)}. ${choiceText(say, options, job.options)}\n    ${stateText(say, job)} · ${ago(say, job)}`,
    );
    const keyboard = new InlineKeyboard();
    for (const [index, { id }] of nodes.entries()) keyboard.text(String(number(index)), `card:${id}:${at}`);
    if (at > 0 || pageInfo.hasNextPage) keyboard.row();
    if (at > 0) keyboard.text(say('button-newer'), `list:${at - 1}`);
    if (pageInfo.hasNextPage) keyboard.text(say('button-older'), `list:${at + 1}`);
    await show(ctx, [say('history'), '', ...lines].join('\n'), keyboard.row().text(say('button-menu'), 'menu'));
  };

  screens.command('history', (ctx) => list(ctx, 0));
  screens.callbackQuery(/^list:(\d+)$/, (ctx) => list(ctx, Number(ctx.match[1])));

  screens.callbackQuery(new RegExp(`^card:${VIDEO}$`), async (ctx) => {
    const { say, owner } = ctx;
    const [, id, page] = ctx.match;
    const [job, options] = await Promise.all([api.as(owner).job(id!), api.options()]);
    if (!job) throw new ApiError('NOT_FOUND', 'Not found, or not yours.');
    const keyboard = new InlineKeyboard();
    if (job.result?.video) keyboard.text(say('button-send'), `send:${id}`).row();
    if (job.status === 'FAILED' || job.status === 'CANCELLED') keyboard.text(say('button-retry'), `again:${id}`).row();
    await show(
      ctx,
      cardText(say, options, job),
      keyboard.text(say('button-delete'), `delete:${id}:${page}`).row().text(say('button-back'), `list:${page}`),
    );
  });

  screens.callbackQuery(new RegExp(`^send:${JOB_ID}$`), async (ctx) => {
    if (!(await hasRoom(kit, ctx))) return;
    const chatId = chatIdOf(ctx);
    const tap = ctx.callbackQuery.id;
    const request = newRequest({ key: `telegram:tap:${tap}`, jobId: ctx.match[1]!, choice: {} });
    await requests.take(newGroup({ id: `${chatId}-t${tap}`, chatId, resend: true, createdAt: Date.now(), requests: [request] }));
  });

  screens.callbackQuery(new RegExp(`^delete:${VIDEO}$`), async (ctx) => {
    const [data, id, page] = ctx.match;
    await show(
      ctx,
      ctx.say('delete-question'),
      column([
        [ctx.say('button-delete-yes'), `${data}:yes`],
        [ctx.say('button-delete-no'), `card:${id}:${page}`],
      ]),
    );
  });
  screens.callbackQuery(new RegExp(`^delete:${VIDEO}:yes$`), async (ctx) => {
    await api
      .as(ctx.owner)
      .deleteJob(ctx.match[1]!)
      .catch((error: unknown) => {
        if (!hasCode(error, 'NOT_FOUND')) throw error;
      });
    await show(ctx, ctx.say('deleted'), column([[ctx.say('button-back'), `list:${ctx.match[2]}`]]));
  });
  return screens;
}

function cardText(say: Say, options: Options, job: Job): string {
  return say('card', {
    choice: choiceText(say, options, job.options),
    seed: String(job.options.seed),
    when: ago(say, job),
    state: stateText(say, job),
  });
}

function stateText(say: Say, { status, result }: Job): string {
  return status === 'COMPLETED' && !result?.video ? say('state-expired') : say('state', { status });
}

const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const;

/** When the job was created, relative to now, since the user's time zone is unknown. */
function ago({ language }: Say, { createdAt }: Job): string {
  const seconds = (Date.now() - Date.parse(createdAt)) / 1000;
  const [unit, length] = UNITS.find(([, each]) => seconds >= each) ?? ['second', 1];
  return new Intl.RelativeTimeFormat(language, { numeric: 'auto' }).format(-Math.floor(seconds / length), unit);
}
