/**
 * Entry of the renderer, a child process of the worker that keeps engines in memory and renders one request at a time. It is a process of
 * its own because inference blocks the event loop, and so that a native crash or a kill does not take the worker down.
 */
import type { EngineName } from '../../src/catalog/engines.ts';
import { loadDotEnv, readConfig, secretsOf } from '../../src/config.ts';
import { toAppError } from '../../src/jobs/errors.ts';
import { createLog } from '../../src/process/log.ts';
import { ROOT } from '../../src/process/version.ts';
import { DeviceFailure, type Capability, type Engine, type EngineModule } from '../engine.ts';
import { ENGINE_MODULES } from '../engines.ts';
import type { EngineCapability, FromRenderer, RenderRequest, ToRenderer } from '../protocol.ts';
import { render } from './render.ts';

const device = process.argv[2] ?? 'cpu';
/** How often the device ran out of memory in earlier renderers. */
const shortages = Number(process.argv[3] ?? 0);
loadDotEnv(ROOT);
const config = readConfig();
const log = createLog('renderer', config.LOG_LEVEL, undefined, secretsOf(config));
/** Engines that have been used; they keep their models in memory. */
const engines = new Map<EngineName, Engine>();
/** Stops the current render. */
let current: AbortController | null = null;

/** Sends a message to the worker. Errors are ignored: if the worker is gone, `disconnect` ends this process. */
function send(message: FromRenderer, onSent: () => void = () => {}): void {
  process.send?.(message, undefined, undefined, onSent);
}

function engineModule(name: EngineName): EngineModule {
  const module = ENGINE_MODULES.find((candidate) => candidate.name === name);
  if (!module) throw new Error(`unknown engine ${name}`);
  return module;
}

/** The engine, created on first use. */
function engineFor(name: EngineName): Engine {
  const engine = engines.get(name) ?? engineModule(name).create(device, config, shortages);
  engines.set(name, engine);
  return engine;
}

async function sendCapabilities(): Promise<void> {
  const capabilities = await Promise.all(
    ENGINE_MODULES.map(async (module): Promise<EngineCapability> => {
      // A fault in one engine must not disable the others.
      const capability = await module.capability(device, config).catch((error: Error): Capability => {
        log.error({ engine: module.name, err: error }, 'cannot determine the capability of this engine');
        return { unavailable: error.message, byDefault: false, costModel: null };
      });
      return { engine: module.name, ...capability };
    }),
  );
  send({ type: 'ready', capabilities });
}

/** Renders a request and sends the outcome. */
async function handleRequest(request: RenderRequest): Promise<void> {
  const controller = new AbortController();
  current = controller;
  try {
    const figures = await render({ config, log, send }, engineFor(request.options.engine), request, controller.signal);
    send({ type: 'done', figures });
  } catch (error) {
    if (controller.signal.aborted && !(error instanceof DeviceFailure)) send({ type: 'stopped' });
    else await reportFailure(request, error);
  } finally {
    if (current === controller) current = null;
  }
}

async function reportFailure({ jobId, attempt }: RenderRequest, error: unknown): Promise<void> {
  if (error instanceof DeviceFailure) {
    log.error({ jobId, attempt, device, err: error.cause ?? error }, 'the device failed');
    send({ type: 'device-failed', reason: error.message }, () => process.exit(1));
    return;
  }
  const appError = toAppError(error);
  log.error({ jobId, attempt, code: appError.code, err: appError.cause ?? appError }, 'render failed');
  // Sent before the failure, so that the worker takes no further job for an invalid model.
  if (appError.code === 'MODEL_INVALID') await sendCapabilities();
  send({ type: 'failed', code: appError.code, message: appError.message }, () => {
    // After an unexpected error, such as a reset of the graphics driver, only a new process is in a known state.
    if (appError.code === 'INTERNAL') process.exit(1);
  });
}

process.on('message', (message: ToRenderer) => {
  switch (message.type) {
    case 'render':
      void handleRequest(message.request);
      break;
    case 'stop':
      current?.abort(new Error('stopped'));
      break;
    case 'probe':
      void sendCapabilities();
      break;
  }
});
// A renderer without its worker has no purpose. ffmpeg exits as well, since its input ends.
process.on('disconnect', () => process.exit(0));
// Ctrl-C, a closed terminal and systemd send their signal to all processes at once; only the worker decides when its renderers exit.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

await sendCapabilities();
