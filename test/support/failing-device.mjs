/**
 * A renderer whose device fails in every render: node failing-device.mjs DEVICE, started instead of worker/renderer/main.js. The file
 * `process.env.FAILED_DEVICE` exists from a failure until the test repairs the device by removing it; until then PREVIEW is unavailable.
 */
import { existsSync, writeFileSync } from 'node:fs';

const file = process.env['FAILED_DEVICE'];
const unavailable = existsSync(file) ? 'The card has fallen off the bus.' : null;
process.on('message', ({ type }) => {
  if (type !== 'render') return;
  writeFileSync(file, '');
  process.send({ type: 'planned', expectedSeconds: 1, longestStepSeconds: 1 });
  process.send({ type: 'device-failed', reason: 'CUDA failure 700: an illegal memory access was encountered' }, () => process.exit(1));
});
process.on('disconnect', () => process.exit(0));
process.send({ type: 'ready', capabilities: [{ engine: 'PREVIEW', unavailable, byDefault: true, costModel: null }] });
